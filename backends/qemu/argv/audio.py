"""The host's ends of sound cards: -audiodev."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...xml.sound import Audio, Stream
    from .command import Props

_DRIVERS = {"pulseaudio": "pa", "file": "wav"}
#: field -> property, of a backend and of its two streams, in the order of the command line
_OWN = {"timer_period": "timer-period", "server_name": "server", "path": "path", "try_mmap": "try-mmap",
        "exclusive": "exclusive", "dsp_policy": "dsp-policy"}  # fmt: skip
_STREAM = {"mixing_engine": "mixing-engine", "fixed_settings": "fixed-settings", "voices": "voices",
           "buffer_length": "buffer-length"}  # fmt: skip
_SETTINGS = ("frequency", "channels", "format")
_MORE = {"dev": "dev", "buffer_count": "buffer-count", "try_poll": "try-poll", "server_name": "server-name",
         "client_name": "client-name", "connect_ports": "connect-ports", "exact_name": "exact-name", "name": "name",
         "stream_name": "stream-name", "latency": "latency"}  # fmt: skip


def audiodev(audio: Audio) -> Props:
    """The properties of a backend."""
    props: Props = {"id": f"audio{audio.id}", "driver": _DRIVERS.get(audio.type, audio.type)}
    props |= {name: _told(getattr(audio, field, None), field == "dsp_policy") for field, name in _OWN.items()}
    for field, name in (("input", "in"), ("output", "out")):
        stream = getattr(audio, field, None)
        props[name] = (_stream(stream) or None) if stream is not None else None
    return props


def _stream(stream: Stream) -> Props:
    props = {name: _told(getattr(stream, field)) for field, name in _STREAM.items()}
    props |= {name: _told(getattr(stream.settings, name)) for name in _SETTINGS}
    props |= {name: _told(getattr(stream, field, None)) for field, name in _MORE.items()}
    return {name: value for name, value in props.items() if value is not None}


def _told(value: object, keep: bool = False) -> object:
    """None for what nobody said, which 0 says too, unless it is kept."""
    return value if value or value is False or (value == 0 and keep) else None
