"""The engine: fields and models of a made-up element, the serializer, and plain values."""

from __future__ import annotations

import pytest

from vsh.backends import errors
from vsh.backends.errors import VirtError
from vsh.backends.xml import values
from vsh.backends.xml.config import TestConfig
from vsh.backends.xml.engine import Context, Model, View
from vsh.backends.xml.fields import Child, Children, Enum, Flag, Int, LazyChild, OnOff, OptInt, Part, Size, Text, UInt
from vsh.backends.xml.parse import parse
from vsh.backends.xml.serialize import Out, escape


class Wheel(Model):
    size = UInt("@size", required=True, low=1)


class Lamp(Model):
    on = OnOff("@on")


class Engine(Model):
    spread = True
    power = Size("power")


class Car(Model):
    color = Enum("@color", ("red", "blue"), zero=("none",))
    doors = OptInt("@doors")
    owner = Text("owner/name")
    city = Text("owner/@city", when=lambda car: car.owner is not None)
    open = Flag("open")
    wheels = Children("wheels/wheel", Wheel, most=2, many=(errors.XML_ERROR, "too many wheels"))
    lamp = LazyChild("lamp", Lamp)
    horn = Child("horn", Lamp)
    engine = Part("engine", Engine)
    speed = Int("speed", live=True)


class Bus(Car):
    owner = Text("company")
    seats = UInt("seats")


def _read(xml: str, model: type[Model] = Car, inactive: bool = True) -> Model:
    return model.from_node(parse(xml, "(car)", "car"), Context(TestConfig(), inactive))


def _write(model: Model, inactive: bool = True) -> str:
    out = Out("car")
    model.emit(out, View(inactive))
    return out.render()


def test_order_and_grouping() -> None:
    """Output follows the declarations, not the input; fields of one child share it."""
    xml = "<car doors='0' color='red'><wheels><wheel size='1'/><wheel size='2'/></wheels><open/>"
    xml += "<owner city='c'><name>n</name></owner></car>"
    assert _write(_read(xml)) == (
        "<car color='red' doors='0'>\n  <owner city='c'>\n    <name>n</name>\n  </owner>\n  <open/>\n"
        "  <wheels>\n    <wheel size='1'/>\n    <wheel size='2'/>\n  </wheels>\n  <engine>\n  </engine>\n</car>\n"
    )


def test_children_that_say_nothing() -> None:
    """A Child is written for being there, a LazyChild for what is in it, a Part that spreads always."""
    assert _write(_read("<car><lamp/><horn/></car>")) == "<car>\n  <horn/>\n  <engine>\n  </engine>\n</car>\n"
    assert "  <lamp on='off'/>\n" in _write(_read("<car><lamp on='off'/></car>"))


def test_conditions() -> None:
    """`when` hides a field of this model, `live` one of models that do not run."""
    car = _read("<car><owner city='c'/><speed>7</speed></car>")
    assert isinstance(car, Car)
    assert (car.city, car.speed) == (None, 0)
    running = _read("<car><speed>7</speed></car>", inactive=False)
    assert "<speed>" not in _write(running)
    assert "  <speed>7</speed>\n" in _write(running, inactive=False)


def test_inheritance() -> None:
    """Fields of a base class come first, and a replaced one keeps its place."""
    assert [field.name for field in Bus.fields][:4] == ["color", "doors", "owner", "city"]
    assert Bus.fields[-1].name == "seats"
    bus = _read("<car><company>x</company><seats>3</seats></car>", Bus)
    assert isinstance(bus, Bus)
    assert (bus.owner, bus.seats) == ("x", 3)


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        ("<car color='green'/>", "Invalid value for attribute 'color' in element 'car': 'green'."),
        ("<car doors='x'/>",
         "Invalid value for attribute 'doors' in element 'car': 'x'. Expected non-negative integer value"),
        ("<car><wheels><wheel/></wheels></car>", "Missing required attribute 'size' in element 'wheel'"),
        ("<car><wheels><wheel size='0'/></wheels></car>",
         "Invalid value for attribute 'size' in element 'wheel': Zero is not permitted"),
        ("<car><wheels><wheel size='1'/><wheel size='1'/><wheel size='1'/></wheels></car>", "too many wheels"),
        ("<car><engine><power>-1</power></engine></car>", "Invalid value '-1' for element or attribute './power'"),
    ],
)  # fmt: skip
def test_complaints(xml: str, message: str) -> None:
    with pytest.raises(VirtError) as caught:
        _read(xml)
    assert (caught.value.code, str(caught.value)) == (errors.XML_ERROR, f"XML error: {message}")


def test_models_are_values() -> None:
    car = _read("<car><wheels><wheel size='1'/></wheels></car>")
    assert isinstance(car, Car)
    other = car.copy()
    assert other == car
    other.wheels[0].size = 2
    assert (other == car, car.wheels[0].size) == (False, 1)
    assert Car(color="red") != Bus(color="red")
    assert repr(Car(color="red", doors=3)) == "Car(color='red', doors=3)"
    assert Car().wheels is not Car().wheels


def test_writing() -> None:
    assert escape("<&>'\"\x01\n") == "&lt;&amp;&gt;&apos;&quot;\n"
    out = Out("a")
    late = out.at("b/c")
    out.add("d").set("e", "'")
    late.write("f")
    out.raw("  <raw/>\n")
    assert out.render(1) == "  <a>\n    <d e='&apos;'/>\n    <b>\n      <c>f</c>\n    </b>\n  <raw/>\n  </a>\n"


@pytest.mark.parametrize(
    ("text", "size"),
    [("b", 1), ("KB", 1000), ("KiB", 1024), ("k", 1024), ("GiB", 1 << 30), ("E", 1 << 60), (None, 512)],
)
def test_units(text: str | None, size: int) -> None:
    assert values.scaled(3, text, 512) == 3 * size


@pytest.mark.parametrize(
    ("unit", "code"), [("x", errors.INVALID_ARG), ("KiBs", errors.INVALID_ARG), ("EiB", errors.OVERFLOW)]
)
def test_wrong_units(unit: str, code: int) -> None:
    with pytest.raises(VirtError) as caught:
        values.scaled(16, unit, 1)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "base", "value"),
    [
        ("7", 10, 7),
        ("+7", 10, 7),
        (" \t7", 10, 7),
        ("010", 0, 8),
        ("0x1f", 0, 31),
        ("0x1F", 16, 31),
        ("010", 10, 10),
        ("0", 0, 0),
    ],
)
def test_numbers(text: str, base: int, value: int) -> None:
    assert values.unsigned(text, base) == value


@pytest.mark.parametrize("text", ["", "-1", "1 ", "x", "1x", "4294967296", "٣", "1_0", "+ 1", "--1", "9" * 5000])
def test_no_numbers(text: str) -> None:
    with pytest.raises(ValueError):
        values.unsigned(text)


def test_cpusets() -> None:
    for text, numbers in (("0-3,^2,7", {0, 1, 3, 7}), ("1,", {1}), (" 2 - 3 ", {2, 3}), ("^1", set())):
        assert values.parse_cpuset(text) == numbers
    assert values.format_cpuset(frozenset({0, 1, 3, 7, 8, 9})) == "0-1,3,7-9"
    for text in ("", "a", "3-1", "1-", "0-16384", "^1-2", "1,,2", "99999999999"):
        with pytest.raises(VirtError):
            values.parse_cpuset(text)


def test_uuids_and_macs() -> None:
    uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f"
    for text in (uuid, uuid.replace("-", ""), f" {uuid.upper()} ", uuid.replace("-", " - ")):
        assert values.format_uuid(values.parse_uuid(text)) == uuid
    for text in ("", uuid[:-1], uuid + "0", uuid.replace("f", "g")):
        with pytest.raises(ValueError):
            values.parse_uuid(text)
    assert values.format_mac(values.parse_mac("52:54:0:aB:c:1")) == "52:54:00:ab:0c:01"
    for text in ("52:54:00:00:00", "52:54:00:00:00:100", "52-54-00-00-00-00", "52:54:00:00:00:0g"):
        with pytest.raises(ValueError):
            values.parse_mac(text)


def test_paths() -> None:
    for text, path in (
        ("/a//b/", "/a/b"),
        ("//a//b", "//a/b"),
        ("///a", "/a"),
        ("/", "/"),
        ("http://h//x", "http://h//x"),
    ):
        assert values.sanitize_path(text) == path
