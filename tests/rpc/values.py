"""Values for the type spellings of the procedure tables, as hypothesis strategies."""

from typing import Any

from hypothesis import strategies as st

from vsh.backends import params, procedures, records

RANGES = {
    "int": (-(2**31), 2**31 - 1),
    "uint": (0, 2**32 - 1),
    "hyper": (-(2**63), 2**63 - 1),
    "uhyper": (0, 2**64 - 1),
    "char": (-128, 127),
    "uchar": (0, 255),
    "ushort": (0, 65535),
}
TEXT = st.one_of(
    st.text(max_size=9),
    st.binary(max_size=6).map(lambda raw: raw.decode("utf-8", "surrogateescape")),  # what is not UTF-8 is kept
).filter(lambda text: "\0" not in text)
PARAMS = {
    params.INT: st.integers(*RANGES["int"]),
    params.UINT: st.integers(*RANGES["uint"]),
    params.LLONG: st.integers(*RANGES["hyper"]),
    params.ULLONG: st.integers(*RANGES["uhyper"]),
    params.DOUBLE: st.floats(allow_nan=False),
    params.BOOLEAN: st.booleans(),
    params.STRING: TEXT,
}


def of(spelling: str) -> st.SearchStrategy[Any]:
    """Any value of a type."""
    base = procedures.base_type(spelling)
    if spelling.endswith("?"):
        return st.none() | of(spelling[:-1])
    if base in ("bytes", "octets"):
        return st.binary(max_size=9)
    if base == "chars":
        return TEXT.filter(lambda text: len(text.encode("utf-8", "surrogateescape")) < 31)
    if base == "param":
        one = st.sampled_from(sorted(PARAMS)).flatmap(lambda kind: st.tuples(TEXT, st.just(kind), PARAMS[kind]))
        return st.lists(one, max_size=3).map(params.TypedParams)
    if spelling.endswith("]"):
        return st.lists(of(base), max_size=3)
    if base in RANGES:
        return st.integers(*RANGES[base])
    if base == "double":
        return st.floats(allow_nan=False)
    if base == "uuid":
        return st.binary(min_size=16, max_size=16)
    if base == "string":
        return TEXT
    cls = records.of_struct(base)
    return st.tuples(*(of(field.type) for field in procedures.struct(base))).map(lambda values: cls(*values))


def of_fields(fields: list[procedures.Field]) -> st.SearchStrategy[list[Any]]:
    """Values for fields in a row."""
    return st.tuples(*(of(field.type) for field in fields)).map(list)


def all_procedures() -> dict[str, procedures.Procedure]:
    return {name: procedures.lookup(name) for group in procedures.GROUPS for name in procedures.table(group)}
