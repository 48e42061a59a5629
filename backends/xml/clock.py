"""<clock> and its timers."""

from __future__ import annotations

from ..errors import CONFIG_UNSUPPORTED, INTERNAL_ERROR, XML_ERROR
from .engine import Context, Field, Model, fail
from .fields import Children, Enum, Text, UInt, YesNo, one_of
from .node import Node
from .values import signed


class Timer(Model):
    name = Enum(
        "@name",
        ("platform", "pit", "rtc", "hpet", "tsc", "kvmclock", "hypervclock", "armvtimer"),
        required=True,
    )
    present_ = YesNo("@present")
    tickpolicy = Enum("@tickpolicy", ("delay", "catchup", "merge", "discard"))
    track = Enum("@track", ("boot", "guest", "wall", "realtime"))
    frequency = UInt("@frequency", bits=64)
    mode = Enum("@mode", ("auto", "native", "emulate", "paravirt", "smpsafe"))
    threshold = UInt("catchup/@threshold", bits=64)
    slew = UInt("catchup/@slew", bits=64)
    limit = UInt("catchup/@limit", bits=64)

    def check(self) -> None:
        """Refuse what the timer does not have."""
        what = f"timer {self.name} doesn't support setting of timer"
        if self.name in ("kvmclock", "hypervclock") and self.tickpolicy:
            raise fail(CONFIG_UNSUPPORTED, f"{what} tickpolicy")
        if self.tickpolicy != "catchup" and (self.threshold or self.slew or self.limit):
            raise fail(XML_ERROR, "setting of timer catchup policies is only supported with tickpolicy='catchup'")
        if self.name != "tsc":
            if self.frequency:
                raise fail(CONFIG_UNSUPPORTED, f"{what} frequency")
            if self.mode:
                raise fail(CONFIG_UNSUPPORTED, f"{what} mode")
        if self.name not in ("platform", "rtc") and self.track:
            raise fail(CONFIG_UNSUPPORTED, f"{what} track")


class Adjustment(Field[int | str | None]):
    """Seconds, or "reset"."""

    def load(self, text: str, node: Node, context: Context) -> int | str | None:
        if text in ("", "reset"):
            return text or None
        try:
            return signed(text, 10, 64)
        except ValueError:
            if node.get("offset") not in (None, "utc", "localtime"):
                return None
            raise fail(XML_ERROR, f"unknown clock adjustment '{text}'") from None


class Clock(Model):
    """`adjustment` in seconds; "utc" and "localtime" with one become "variable" with that basis."""

    offset = Enum(
        "@offset",
        ("utc", "localtime", "variable", "timezone", "absolute"),
        blank=False,
        default="utc",
        absent="",
        wanted=True,
        invalid=(CONFIG_UNSUPPORTED, "unknown clock offset '%s'"),
    )
    adjustment = Adjustment("@adjustment", default=None)
    basis = Enum(
        "@basis",
        ("utc", "localtime"),
        blank=False,
        when=one_of("offset", "variable"),
        invalid=(CONFIG_UNSUPPORTED, "unknown clock basis '%s'"),
    )
    timezone = Text(
        "@timezone",
        blank=False,
        when=one_of("offset", "timezone"),
        required=(INTERNAL_ERROR, "missing 'timezone' attribute for clock with offset='timezone'"),
    )
    start = UInt(
        "@start",
        bits=64,
        absent=None,
        when=one_of("offset", "absolute"),
        required=(INTERNAL_ERROR, "missing 'start' attribute for clock with offset='absolute'"),
        invalid=(INTERNAL_ERROR, "missing 'start' attribute for clock with offset='absolute'"),
    )
    timers = Children("timer", Timer)

    def parsed(self, node: Node, context: Context) -> None:
        node.get("adjustment0")
        if self.offset == "variable":
            self.basis = self.basis or "utc"
            self.adjustment = self.adjustment if isinstance(self.adjustment, int) else 0
        elif self.offset not in ("utc", "localtime"):
            self.adjustment = None
        elif isinstance(self.adjustment, int):
            self.offset, self.basis = "variable", self.offset
