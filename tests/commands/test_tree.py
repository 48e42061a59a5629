"""Trees as virsh draws them; the lines are those of `nodedev-list --tree`."""

from vsh.commands.tree import Tree

NODES = [("a", None), ("b", "a"), ("c", "b"), ("d", "a"), ("e", "d"), ("f", "d"), ("g", None), ("h", "gone")]
DRAWN = [
    "a",
    "  |",
    "  +- b",
    "  |   |",
    "  |   +- c",
    "  |     ",
    "  +- d",
    "      |",
    "      +- e",
    "      +- f",
    "        ",
    "g",
    "",
]


def test_drawing() -> None:
    tree = Tree(NODES)
    assert tree.plain(False) == tree.plain(True) == "".join(f"{line}\n" for line in DRAWN)
    assert tree.data()[1] == {"name": "b", "parent": "a"} and len(tree.data()) == 8
    assert Tree([]).plain(False) == ""


def test_a_long_chain() -> None:
    names = [f"n{i}" for i in range(3000)]
    lines = Tree([("n0", None), *zip(names[1:], names, strict=False)]).plain(False).splitlines()
    assert len(lines) == 6000 and lines[-2].endswith("+- n2999")
