"""Fields that hold elements of their own: one, several, or a part of this one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import INTERNAL_ERROR
from .engine import Context, Field, Model, Problem, View, fail

if TYPE_CHECKING:
    from .node import Node
    from .serialize import Out

M = TypeVar("M", bound=Model)
T = TypeVar("T")


class Child(Field[M | None]):
    """An element of its own class, or None."""

    def __init__(self, path: str, model: type[M], **options: Any):
        super().__init__(path, default=None, **options)
        self.path = "" if path == "." else path
        self.model = model

    def read(self, model: Model, node: Node, context: Context) -> None:
        if self.skipped(model, node, context):
            return
        found = node.find(self.path)
        if found is not None:
            model.__dict__[self.name] = self.model.from_node(found, context)
        elif isinstance(self.required, tuple):
            raise fail(*self.required)
        elif self.wanted:
            node.doubt(f"no element '{self.path}'")

    def emit(self, model: Model, out: Out, view: View) -> None:
        value: M | None = model.__dict__.get(self.name)
        if value is not None and value.present(view) and self.shown(model, view):
            value.emit(self.target(out), view)

    def target(self, out: Out) -> Out:
        return out.at(self.path).join()


class LazyChild(Child[M]):
    """A Child that is written only when something is in it."""

    def target(self, out: Out) -> Out:
        return out.at(self.path)


class Part(Field[M]):
    """Fields kept in a class of their own that live in this element ("."), or in a child.

    The child is written if one of the fields is, or if its class says `spread`.
    """

    def __init__(self, path: str, model: type[M], **options: Any):
        super().__init__(path, default=None, **options)  # type: ignore[arg-type]
        self.model = model
        self.inner = "" if path == "." else path

    def initial(self, model: Model) -> M:
        value = model.__dict__[self.name] = self.model()
        return value

    def places(self) -> Iterator[str]:
        for field in self.model.fields:
            for place in field.places():
                yield f"{self.inner}/{place}" if self.inner else place

    def read(self, model: Model, node: Node, context: Context) -> None:
        found = None if self.skipped(model, node, context) else node.find(self.inner)
        if found is not None:
            model.__dict__[self.name] = self.model.from_node(found, context)

    def emit(self, model: Model, out: Out, view: View) -> None:
        value: M | None = model.__dict__.get(self.name)
        if value is None and self.model.spread:
            value = self.initial(model)
        if value is not None and value.present(view) and self.shown(model, view):
            target = out.at(self.inner)
            value.emit(target.join() if value.spread else target, view)


class _Many(Field[list[T]]):
    """Any number of like elements."""

    def __init__(self, path: str, **options: Any):
        super().__init__(path, default=None, **options)  # type: ignore[arg-type]
        self.above, _, self.tag = path.rpartition("/")

    def initial(self, model: Model) -> list[T]:
        value: list[T] = []
        model.__dict__[self.name] = value
        return value

    def found(self, model: Model, node: Node, context: Context) -> list[Node]:
        """The elements that are there and to be read."""
        holder = None if self.skipped(model, node, context) else node.find(self.above)
        nodes = holder.findall(self.tag) if holder is not None else []
        if self.wanted and holder is not None and not nodes:
            holder.doubt(f"no element '{self.tag}'")
        return nodes


class Children(_Many[M]):
    """Any number of elements of one class; `most` and `many` refuse more than that."""

    def __init__(
        self, path: str, model: type[M], *, most: int = 0, many: Problem = (INTERNAL_ERROR, ""), **options: Any
    ):
        super().__init__(path, **options)
        self.model = model
        self.most = most
        self.many = many

    def read(self, model: Model, node: Node, context: Context) -> None:
        nodes = self.found(model, node, context)
        if self.most and len(nodes) > self.most:
            raise fail(*self.many)
        if nodes:
            model.__dict__[self.name] = [self.model.from_node(found, context) for found in nodes]

    def emit(self, model: Model, out: Out, view: View) -> None:
        if self.shown(model, view):
            for value in model.__dict__.get(self.name) or ():
                if value.present(view):
                    value.emit(out.at(self.above).add(self.tag), view)


class Texts(_Many[str]):
    """The texts of any number of like elements."""

    def __init__(self, path: str, *, empty: Problem | None = None, **options: Any):
        super().__init__(path, **options)
        self.empty = empty

    def read(self, model: Model, node: Node, context: Context) -> None:
        texts = [found.text() for found in self.found(model, node, context)]
        if self.empty and not all(texts):
            raise fail(*self.empty)
        if texts:
            model.__dict__[self.name] = texts

    def emit(self, model: Model, out: Out, view: View) -> None:
        if self.shown(model, view):
            for text in model.__dict__.get(self.name) or ():
                out.at(self.above).add(self.tag).write(text)
