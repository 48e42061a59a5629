"""Sound cards and the host's ends of them."""

from __future__ import annotations

import builtins
from typing import Self

from ..errors import CONFIG_UNSUPPORTED, XML_ERROR
from .addresses import Info, Virtio
from .engine import Context, Model, View, fail
from .fields import Children, Enum, OptInt, Part, Text, UInt, YesNo, one_of
from .node import Node
from .serialize import Out


class Codec(Model):
    type = Enum(
        "@type",
        ("duplex", "micro", "output"),
        required=(CONFIG_UNSUPPORTED, "unknown codec type '(null)'"),
        invalid=(CONFIG_UNSUPPORTED, "unknown codec type '%s'"),
    )


class Sound(Model):
    model = Enum(
        "@model",
        ("sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "ich7"),
        newer=("virtio",),
        required=True,
    )
    multichannel = YesNo("@multichannel", when=one_of("model", "usb"), newer=True)
    streams = UInt("@streams", when=one_of("model", "virtio"), newer=True)
    codecs = Children("codec", Codec, when=lambda sound: sound.model in ("ich6", "ich9"))
    audio = UInt("audio/@id", required=True, low=1)
    virtio = Part("driver", Virtio, when=one_of("model", "virtio"), newer=True)
    info = Part(".", Info)


_FORMATS = ("u8", "s8", "u16", "s16", "u32", "s32", "f32")


class Settings(Model):
    frequency = UInt("@frequency", low=1)
    channels = UInt("@channels", low=1)
    format = Enum("@format", _FORMATS)


class Stream(Model):
    """<input> or <output> of a backend; the backends below add attributes of their own."""

    mixing_engine = YesNo("@mixingEngine")
    fixed_settings = YesNo("@fixedSettings")
    voices = UInt("@voices", low=1)
    buffer_length = UInt("@bufferLength", low=1)
    settings = Part("settings", Settings)

    def parsed(self, node: Node, context: Context) -> None:
        if self.fixed_settings and not self.mixing_engine:
            raise fail(CONFIG_UNSUPPORTED, "fixed audio settings requires mixing engine")
        if node.find("settings") is not None and not self.fixed_settings:
            raise fail(CONFIG_UNSUPPORTED, "audio settings specified without fixed settings flag")

    def emit(self, out: Out, view: View) -> None:
        super().emit(out, view)
        if self.fixed_settings:
            out.at("settings").join()


class AlsaStream(Stream):
    dev = Text("@dev")


class CountedStream(Stream):
    buffer_count = UInt("@bufferCount")


class JackStream(Stream):
    server_name = Text("@serverName")
    client_name = Text("@clientName")
    connect_ports = Text("@connectPorts")
    exact_name = YesNo("@exactName")


class OssStream(Stream):
    dev = Text("@dev")
    buffer_count = UInt("@bufferCount")
    try_poll = YesNo("@tryPoll")


class PulseStream(Stream):
    name = Text("@name")
    stream_name = Text("@streamName")
    latency = UInt("@latency")


_TYPES = ("none", "alsa", "coreaudio", "jack", "oss", "pulseaudio", "sdl", "spice", "file", "dbus")


class Audio(Model):
    """<audio>; types with more than the plain attributes have their class below."""

    id = UInt("@id", required=True, low=1)
    type = Enum("@type", _TYPES, newer=("pipewire",), required=True)
    timer_period = UInt("@timerPeriod", low=1)

    def read(self, node: Node, context: Context) -> None:
        Audio.type.read(self, node, context)
        super().read(node, context)

    @classmethod
    def kind(cls, node: Node, context: Context) -> builtins.type[Self]:
        chosen = _KINDS.get(node.get("type") or "", PlainAudio)
        return chosen if issubclass(chosen, cls) else cls


class PlainAudio(Audio):
    input = Part("input", Stream)
    output = Part("output", Stream)


class AlsaAudio(Audio):
    input = Part("input", AlsaStream)
    output = Part("output", AlsaStream)


class CoreAudio(Audio):
    input = Part("input", CountedStream)
    output = Part("output", CountedStream)


class JackAudio(Audio):
    input = Part("input", JackStream)
    output = Part("output", JackStream)


class OssAudio(Audio):
    try_mmap = YesNo("@tryMMap")
    exclusive = YesNo("@exclusive")
    dsp_policy = OptInt("@dspPolicy", sign=True)
    input = Part("input", OssStream)
    output = Part("output", OssStream)

    def parsed(self, node: Node, context: Context) -> None:
        if (self.dsp_policy or 0) < 0:
            raise fail(XML_ERROR, f"cannot parse 'dspPolicy' value '{self.dsp_policy}'")


class PulseAudio(Audio):
    server_name = Text("@serverName")
    input = Part("input", PulseStream)
    output = Part("output", PulseStream)


class PipewireAudio(Audio):
    runtime_dir = Text("@runtimeDir")
    input = Part("input", PulseStream)
    output = Part("output", PulseStream)


class SdlAudio(Audio):
    driver = Enum("@driver", ("esd", "alsa", "arts", "pulseaudio"))
    input = Part("input", CountedStream)
    output = Part("output", CountedStream)


class FileAudio(Audio):
    path = Text("@path")
    input = Part("input", Stream)
    output = Part("output", Stream)


_KINDS: dict[str, type[Audio]] = {
    "alsa": AlsaAudio, "coreaudio": CoreAudio, "jack": JackAudio, "oss": OssAudio, "pulseaudio": PulseAudio,
    "sdl": SdlAudio, "file": FileAudio, "pipewire": PipewireAudio,
}  # fmt: skip
