"""`echo`: words, as they are or quoted."""

from ..declare import Alias, Argv, Flag, Opt, command
from ..results import Text
from ..words import split_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..context import Context

#: What a shell would not take as it stands.
SPECIAL = frozenset("\r\t\n !\"#$&'()*;<>?[\\]^`{|}~")


@command(
    "echo",
    group="virsh",
    options=[
        Flag("shell", "quoted for a shell"),
        Flag("xml", "escaped for XML"),
        Flag("split", "the parts of each word between commas, a line each; two commas stand for one"),
        Flag("err", "as an error message"),
        Alias("str", "string"),
        Alias("hi", "string=hello"),
        Opt("prefix", "a word to begin with", positional=False),
        Argv("string", "what to print"),
    ],
    connects=False,
    exclusive=[("shell", "xml"), ("shell", "split"), ("xml", "split")],
)
def echo(
    ctx: "Context",
    string: "Sequence[str]" = (),
    shell: bool = False,
    xml: bool = False,
    split: bool = False,
    err: bool = False,
    prefix: "str | None" = None,
) -> "Text | None":
    """Print words.

    Scripts quote with it what they hand on to a shell or put into XML.
    """
    words = [_written(word, shell, xml, split) for word in string]
    text = " ".join(words if prefix is None else [prefix, *words])
    if err:
        ctx.warn(text)
        return None
    return Text(text, data={"text": text})


def _written(word: str, shell: bool, xml: bool, split: bool) -> str:
    if xml:
        from vsh.backends.xml.serialize import escape

        return escape(word)
    if shell:
        return word if word and SPECIAL.isdisjoint(word) else "'" + word.replace("'", "'\\''") + "'"
    if split:
        return "".join(f"{part}\n" for part in split_list(word)) if word else ""
    return word
