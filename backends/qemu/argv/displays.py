"""What people see and hear: audio backends, displays, graphics cards, sound cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import CONFIG_UNSUPPORTED
from ...xml.graphics import DBus, Sdl, Spice, Vnc
from ..base import fail
from .audio import audiodev
from .command import ONOFF, refuse, virtio, virtio_props

if TYPE_CHECKING:
    from ...xml.devices import Video
    from ...xml.graphics import Listen
    from ...xml.sound import Sound
    from .command import Command, Props

VNC_BASE = 5900
_SOUND = {
    "ac97": "AC97",
    "es1370": "ES1370",
    "sb16": "sb16",
    "ich6": "intel-hda",
    "ich9": "ich9-intel-hda",
    "usb": "usb-audio",
}
_PRIMARY = {"vga": "VGA", "cirrus": "cirrus-vga", "vmvga": "vmware-svga", "qxl": "qxl-vga", "bochs": "bochs-display"}
_SECONDARY = {"qxl": "qxl", "bochs": "bochs-display"}


def add(command: Command) -> None:
    devices = command.domain.devices
    for audio in devices.audios:
        command.json("-audiodev", audiodev(audio))
    for graphics in devices.graphics:
        if isinstance(graphics, Vnc):
            _vnc(command, graphics)
        elif isinstance(graphics, Spice):
            _spice(command, graphics)
        elif isinstance(graphics, DBus):
            _dbus(command, graphics)
        elif isinstance(graphics, Sdl):
            if graphics.fullscreen:
                command.option("-full-screen")
            parts = ["sdl"] + ([f"gl={ONOFF[graphics.gl]}"] if graphics.gl is not None else [])
            command.option("-display", ",".join(parts))
        elif graphics.type == "egl-headless":
            node = getattr(graphics, "rendernode", None)
            command.option("-display", "egl-headless" + (f",rendernode={command.escape(node)}" if node else ""))
        else:
            raise fail(CONFIG_UNSUPPORTED, f"{graphics.type} graphics are not supported with this QEMU")
    for video in devices.videos:
        _video(command, video)
    sounds(command)


def sounds(command: Command) -> None:
    for sound in command.domain.devices.sounds:
        _sound(command, sound)


def _dbus(command: Command, dbus: DBus) -> None:
    parts = ["dbus"]
    if dbus.p2p:
        parts.append("p2p=on")
    elif dbus.address:
        parts.append(f"addr={command.escape(dbus.address)}")
    else:
        raise refuse(dbus, "a bus of the guest's own for <graphics type='dbus'>")
    if dbus.gl is not None:
        parts.append(f"gl={ONOFF[dbus.gl]}")
        if dbus.rendernode:
            parts.append(f"rendernode={command.escape(dbus.rendernode)}")
    if dbus.audio:
        parts.append(f"audiodev=audio{dbus.audio}")
    command.option("-display", ",".join(parts))


def _first_listen(graphics: Vnc | Spice) -> Listen | None:
    if len(graphics.listens) > 1:
        raise fail(CONFIG_UNSUPPORTED, "QEMU does not support multiple listens for one graphics device.")
    return graphics.listens[0] if graphics.listens else None


def _vnc(command: Command, vnc: Vnc) -> None:
    listen = _first_listen(vnc)
    escape = command.escape
    if listen is not None and listen.type == "socket":
        where = f"vnc=unix:{listen.socket or f'{command.launch.folder}/vnc.sock'}"
    elif listen is not None and listen.type == "none":
        where = "none"
    elif listen is not None and listen.type == "network":
        raise refuse(listen, "<listen type='network'>")
    else:
        address = (listen.address if listen is not None else None) or command.launch.vnc_listen
        port = vnc.port if vnc.port > 0 else VNC_BASE
        if port < VNC_BASE:
            raise fail(CONFIG_UNSUPPORTED, f"vnc port must be in range [{VNC_BASE},65535]")
        where = f"[{address}]:{port - VNC_BASE}" if ":" in address else f"{address}:{port - VNC_BASE}"
    parts = [escape(where)]
    if vnc.websocket:
        parts.append("websocket" if vnc.websocket == -1 else f"websocket={vnc.websocket}")
    if vnc.share_policy:
        parts.append(f"share={vnc.share_policy}")
    if vnc.auth.password is not None or "vnc" in command.launch.guarded:
        parts.append("password=on")
    if "vnc" in command.launch.tls_displays:
        folder, verify = command.launch.tls_folder("vnc"), command.launch.vnc_verify
        command.object("tls-creds-x509", "vnc-tls-creds0", dir=folder, endpoint="server", verify__peer=verify)
        parts.append("tls-creds=vnc-tls-creds0")
    if vnc.power_control is not None:
        parts.append(f"power-control={ONOFF[vnc.power_control]}")
    audio = vnc.audio or (command.domain.devices.audios[0].id if command.domain.devices.audios else 0)
    if audio:
        parts.append(f"audiodev=audio{audio}")
    command.option("-vnc", ",".join(parts))
    if vnc.keymap:
        command.option("-k", vnc.keymap)


def _spice(command: Command, spice: Spice) -> None:
    listen = _first_listen(spice)
    escape = command.escape
    parts = []
    secure = False
    if listen is not None and listen.type == "socket":
        parts += ["unix", f"addr={escape(listen.socket or f'{command.launch.folder}/spice.sock')}"]
    elif listen is not None and listen.type == "none":
        parts.append("port=0")
    elif listen is not None and listen.type == "network":
        raise refuse(listen, "<listen type='network'>")
    else:
        secure = spice.tls_port > 0
        if secure and "spice" not in command.launch.tls_displays:
            text = "spice TLS port set in XML configuration, but TLS is disabled in qemu.conf"
            raise fail(CONFIG_UNSUPPORTED, text)
        if spice.port > 0 or not secure:
            parts.append(f"port={max(spice.port, 0)}")
        if secure:
            parts.append(f"tls-port={spice.tls_port}")
        if spice.port > 0 or secure:
            address = (listen.address if listen is not None else None) or command.launch.spice_listen
            parts.append(f"addr={escape(address)}")
        # Which port a display gets that is to have one of its own is known when it starts.
        secure = secure or (bool(spice.autoport) and "spice" in command.launch.tls_displays)
    if spice.mouse:
        parts.append(f"agent-mouse={'off' if spice.mouse == 'server' else 'on'}")
    if spice.auth.password is None and "spice" not in command.launch.guarded:
        parts.append("disable-ticketing=on")
    if secure:
        parts.append(f"x509-dir={escape(command.launch.tls_folder('spice'))}")
    modes = [("default", spice.default_mode), *((channel.name, channel.mode) for channel in spice.channels)]
    for name, mode in modes:
        if mode == "secure" and not secure:
            what = "defaultMode secure requested" if name == "default" else "secure channels set"
            raise fail(CONFIG_UNSUPPORTED, f"spice {what} in XML configuration, but TLS connection is not available")
        if mode in ("secure", "insecure"):
            parts.append(f"{'tls' if mode == 'secure' else 'plaintext'}-channel={name}")
    for name, value in (
        ("image-compression", spice.image),
        ("jpeg-wan-compression", spice.jpeg),
        ("zlib-glz-wan-compression", spice.zlib),
        ("playback-compression", ONOFF.get(spice.playback) if spice.playback is not None else None),
        ("streaming-video", spice.streaming),
    ):
        if value:
            parts.append(f"{name}={value}")
    if spice.clipboard is False:
        parts.append("disable-copy-paste=on")
    if spice.filetransfer is False:
        parts.append("disable-agent-file-xfer=on")
    if spice.gl:
        parts.append("gl=on")
        if spice.rendernode:
            parts.append(f"rendernode={escape(spice.rendernode)}")
    parts.append("seamless-migration=on")
    command.option("-spice", ",".join(parts))
    if spice.keymap:
        command.option("-k", spice.keymap)


def _video(command: Command, video: Video) -> None:
    if video.type == "none":
        return
    if video.type in ("xen", "vbox", "parallels", "gop"):
        what = f"domain configuration does not support video model '{video.type}'"
        raise fail(CONFIG_UNSUPPORTED, what)
    if not video.primary and video.type not in ("qxl", "virtio"):
        raise fail(CONFIG_UNSUPPORTED, f"video type '{video.type}' is only valid as primary video device")
    if video.type == "ramfb":
        command.device("ramfb", id=video.info.alias)
        return
    if video.backend == "vhostuser":
        raise refuse(video, "<driver> of a graphics card")
    acceleration = video.acceleration
    primary = bool(video.primary) and (video.type != "virtio" or command.caps.has("virtio-vga"))
    props: Props = {}
    if video.type == "virtio":
        accelerated = bool(acceleration and acceleration.accel3d)
        if primary:
            driver = "virtio-vga-gl" if accelerated else "virtio-vga"
        else:
            driver = virtio("virtio-gpu-gl" if accelerated else "virtio-gpu", None, video.info)
        props = virtio_props(video.virtio)
        size = video.resolution
        tail: Props = {"max_outputs": video.heads or None}
        if size is not None:
            tail |= {"xres": size.x, "yres": size.y}
    else:
        names = _PRIMARY if primary else _SECONDARY
        if video.type not in names:
            raise refuse(video, f"{'' if primary else 'secondary '}graphics card '{video.type}'")
        driver = names[video.type]
        tail = _memory(video)
    command.device(driver, **props, id=video.info.alias, **tail, **command.place(video.info))


def _memory(video: Video) -> Props:
    if video.type == "qxl":
        return {
            "max_outputs": video.heads or None,
            "ram_size": video.ram * 1024,
            "vram_size": video.vram * 1024,
            "vram64_size_mb": video.vram64 // 1024,
            "vgamem_mb": video.vgamem // 1024,
        }
    if video.type == "bochs":
        return {"vgamem": video.vram * 1024}
    return {"vgamem_mb": video.vram // 1024} if video.type in ("vga", "vmvga") and video.vram else {}


def _sound(command: Command, sound: Sound) -> None:
    audios = command.domain.devices.audios
    audio = f"audio{sound.audio or audios[0].id}" if audios else None
    alias = sound.info.alias
    if sound.model == "pcspk":
        return  # the machine has it
    if sound.model not in _SOUND:
        raise refuse(sound, f"sound card '{sound.model}'")
    place = command.place(sound.info)
    if sound.model not in ("ich6", "ich9"):
        command.device(_SOUND[sound.model], id=alias, audiodev=audio, **place)
        return
    command.device(_SOUND[sound.model], id=alias, **place)
    for number, kind in enumerate([codec.type for codec in sound.codecs] or ["duplex"]):
        command.device(f"hda-{kind}", id=f"{alias}-codec{number}", bus=f"{alias}.0", cad=number, audiodev=audio)
