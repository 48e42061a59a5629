"""The engine: an element is a class, each of its fields one line, and the order of the lines is the order of
the output.

    class Lease(Model):
        lockspace = Text("lockspace")
        key = Text("key", required=(XML_ERROR, "Missing 'key' element for lease"))
        path = Text("target/@path")

A field's place is a path below its element: "@type" an attribute, "key" the text of a child, "target/@path" an
attribute of a child, "." the element's own text. Fields that share a child write into the same child. An absent
value writes nothing.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar, overload

from ..errors import FROM_DOMAIN, XML_ERROR, VirtError, virt_error

if TYPE_CHECKING:
    from .config import ParseConfig
    from .node import Node
    from .serialize import Out

T = TypeVar("T")
#: (error code, text in which %s stands for the offending value)
Problem = tuple[int, str | None]
#: (pattern of the whole value, what it is called)
Shape = tuple[str, str]


def fail(code: int, detail: str | None = None) -> VirtError:
    """The error of libvirt's domain parser for `code` and `detail`, to be raised."""
    return virt_error(code, detail, domain=FROM_DOMAIN)


class Context:
    """What parsing depends on: the driver's configuration, and whether the text describes a stopped domain."""

    __slots__ = ("config", "inactive", "memo")

    def __init__(self, config: ParseConfig, inactive: bool) -> None:
        self.config = config
        self.inactive = inactive
        self.memo: dict[str, Any] = {}  #: what an element leaves for those parsed after it


class View:
    """Which of libvirt's forms of the same domain is written (VIR_DOMAIN_XML_INACTIVE, _SECURE, _MIGRATABLE)."""

    __slots__ = ("inactive", "migratable", "secure")

    def __init__(self, inactive: bool = True, secure: bool = False, migratable: bool = False) -> None:
        self.inactive = inactive
        self.secure = secure
        self.migratable = migratable


class Field(Generic[T]):
    """A typed value with a place in its element.

    `default` is the value when the XML has none, `absent` the one that writes nothing (by default the same).
    `when(model)` says whether the field exists for this model at all, `show(model, view)` whether it is
    written; `live` ones exist in the XML of running domains only. `required` and `invalid` replace libvirt's
    usual complaints. `blank=False` takes an empty attribute for a missing one, `forgiving` what cannot be read.
    `newer` fields came with a libvirt after 9.0.0 (True), or these of their values did.
    What libvirt's schema alone asks for is noted for `--validate`: `wanted` what must stand there, `shape` how the
    value must look.
    """

    name: str
    #: whether the schema takes nothing for a value
    hollow: ClassVar[bool] = False

    def __init__(
        self,
        path: str,
        *,
        default: T,
        absent: object = ...,
        when: Callable[[Any], bool] | None = None,
        show: Callable[[Any, View], bool] | None = None,
        live: bool = False,
        required: bool | Problem = False,
        invalid: Problem | None = None,
        blank: bool = True,
        forgiving: bool = False,
        wanted: bool = False,
        shape: Shape | None = None,
        newer: bool | tuple[str, ...] = False,
    ) -> None:
        parent, _, leaf = path.rpartition("/")
        self.path = path
        self.attribute = leaf[1:] if leaf.startswith("@") else ""
        self.parent = parent if self.attribute else "" if path == "." else path
        self.default = default
        self.absent = default if absent is ... else absent
        self.when = when
        self.show = show
        self.live = live
        self.required = required
        self.invalid = invalid
        self.blank = blank
        self.forgiving = forgiving
        self.wanted = wanted
        self.shape = shape
        self.newer = newer

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, model: None, owner: type) -> Self: ...
    @overload
    def __get__(self, model: Model, owner: type) -> T: ...
    def __get__(self, model: Model | None, owner: type) -> Self | T:
        # No __set__ at run time: a value in the instance then wins without coming here.
        return self if model is None else self.initial(model)

    if TYPE_CHECKING:

        def __set__(self, model: Model, value: T) -> None: ...

    def initial(self, model: Model) -> T:
        return self.default

    def load(self, text: str, node: Node, context: Context) -> T:
        """The value for `text`; ValueError when there is none."""
        raise NotImplementedError

    def dump(self, value: T) -> str:
        return str(value)

    def complain(self, text: str, node: Node) -> VirtError:
        """What libvirt says to a value it cannot read."""
        if self.invalid:
            return fail(self.invalid[0], (self.invalid[1] or "").replace("%s", text))
        where = f"attribute '{self.attribute}' in element '{node.tag}'"
        return fail(XML_ERROR, f"Invalid value for {where}: '{text}'{self.expected}")

    expected: str = "."

    def skipped(self, model: Model, node: Node, context: Context) -> bool:
        """Whether there is no such field here; what stands in its place is no fault, for a schema knows no context."""
        if not ((self.when and not self.when(model)) or (self.live and context.inactive)):
            return False
        for path in self.places():
            node.tolerate(path)
        return True

    def places(self) -> Iterator[str]:
        """The paths that the field is read from."""
        yield self.path

    def read(self, model: Model, node: Node, context: Context) -> None:
        if self.skipped(model, node, context):
            return
        holder = node.find(self.parent)
        text = None
        if holder is not None:
            text = holder.get(self.attribute) if self.attribute else holder.text() or None
            self.judge(text, holder)
            text = text if self.blank else text or None
        if text is not None and holder is not None:
            try:
                model.__dict__[self.name] = self.load(text, holder, context)
            except ValueError:
                if not self.forgiving:
                    raise self.complain(text, holder) from None
                holder.doubt(f"value '{text}'", self.attribute)
        elif isinstance(self.required, tuple):
            raise fail(*self.required)
        elif self.required and holder is not None:
            raise fail(XML_ERROR, f"Missing required attribute '{self.attribute}' in element '{holder.tag}'")
        elif self.wanted and not self.attribute and holder is None:
            node.doubt(f"no element '{self.path}'")

    def judge(self, text: str | None, holder: Node) -> None:
        """Note what libvirt's schema minds and its parser does not."""
        if self.attribute and text is None:
            if self.wanted:
                holder.doubt(f"no attribute '{self.attribute}'")
        elif not text and not self.hollow and not (self.attribute and self.blank):
            holder.doubt("empty value", self.attribute)
        elif text is not None and self.shape and not re.fullmatch(self.shape[0], text, re.DOTALL):
            holder.doubt(f"value '{text}'", self.attribute, self.shape[1])

    def emit(self, model: Model, out: Out, view: View) -> None:
        value = model.__dict__.get(self.name, self.default)
        if value == self.absent or not self.shown(model, view):
            return
        self.place(out.at(self.parent), value)

    def shown(self, model: Model, view: View) -> bool:
        if (self.when and not self.when(model)) or (self.live and view.inactive):
            return False
        return self.show is None or self.show(model, view)

    def place(self, target: Out, value: T) -> None:
        if self.attribute:
            target.set(self.attribute, self.dump(value))
        else:
            target.write(self.dump(value))


class Model:
    """One element. Subclasses list fields; those of a base class come first, also when they are replaced."""

    fields: ClassVar[tuple[Field[Any], ...]] = ()
    #: print an opening and a closing line even when there is nothing between them; as a Part, always
    spread: ClassVar[bool] = False
    #: where it stood in the document; 0 for what was added
    line_number: int = 0

    def __init_subclass__(cls) -> None:
        own = {name: value for name, value in cls.__dict__.items() if isinstance(value, Field)}
        inherited = tuple(own.pop(field.name, field) for field in cls.fields)
        cls.fields = inherited + tuple(own.values())

    def __init__(self, **values: Any) -> None:
        for name, value in values.items():
            setattr(self, name, value)

    @classmethod
    def kind(cls, node: Node, context: Context) -> type[Self]:
        """The subclass that describes `node`; for elements whose shape depends on an attribute."""
        return cls

    @classmethod
    def from_node(cls, node: Node, context: Context) -> Self:
        model = cls.kind(node, context)()
        model.line_number = node.line
        model.read(node, context)
        return model

    def read(self, node: Node, context: Context) -> None:
        for field in self.fields:
            field.read(self, node, context)
        self.parsed(node, context)

    def parsed(self, node: Node, context: Context) -> None:
        """Called when all fields are read: what no single field can say."""

    def present(self, view: View) -> bool:
        """Whether the element is written at all."""
        return True

    def emit(self, out: Out, view: View) -> None:
        out.spread = out.spread or self.spread
        for field in self.fields:
            field.emit(self, out, view)

    def newest(self) -> Iterator[tuple[Model, str]]:
        """What is told in here that libvirt has learned after 9.0.0: the element and the place in it."""
        for field in self.fields:
            value = self.__dict__.get(field.name)
            if field.newer is True and value not in (None, [], field.absent):
                yield self, field.path
            elif isinstance(field.newer, tuple) and value in field.newer:
                yield self, f"{field.path}='{value}'"
            for below in value if isinstance(value, list) else [value]:
                if isinstance(below, Model):
                    yield from below.newest()

    def copy(self) -> Self:
        return copy.deepcopy(self)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, field.name) == getattr(other, field.name) for field in self.fields)

    __hash__ = None  # type: ignore[assignment]  # models change

    def __repr__(self) -> str:
        values = (f"{f.name}={self.__dict__[f.name]!r}" for f in self.fields if f.name in self.__dict__)
        return f"{type(self).__name__}({', '.join(values)})"
