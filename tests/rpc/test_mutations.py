"""What the other side says may be cut off, extended or changed anywhere: that is an error of the protocol or a value,
in no more time and memory than the bytes are worth."""

import random
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.live.sweeps import rounds
from tests.rpc import values
from tests.rpc.test_codec import ALL, FEW
from vsh.backends import errors, events, records
from vsh.backends.rpc.codec import Payload, codec, decode_error, decode_event, decode_hole, encode_error, encode_event

EDGES = (0, 1, 2, 3, 7, 16384, 2**22, 2**31 - 1, 2**31, 2**32 - 1)
#: What one byte of a payload may cost while it is decoded: an optional number becomes an object of 32 bytes in a slot
#: of 8, an empty list takes 56.
BYTES_PER_BYTE = 40
SOME = settings(FEW, max_examples=rounds(30))


def refused(decode: Callable[[bytes], Any], data: bytes) -> bool:
    """Whether `data` is an error of the protocol; any other exception is the test's failure."""
    try:
        decode(data)
    except errors.VirtError as error:
        assert error.code == errors.RPC and "\n" not in str(error)
        return True
    return False


def mutilate(decode: Callable[[bytes], Any], data: bytes, dice: random.Random) -> None:
    """No part of a payload and nothing longer is a payload; what is changed inside may be another one."""
    for end in {0, len(data) - 1, len(data) - 4, dice.randrange(len(data) or 1)} - {len(data)}:
        if 0 <= end < len(data):
            assert refused(decode, data[:end]), f"{data!r} cut off at {end}"
    for more in (b"\0", bytes(4), data or b"\1", b"\xff" * 64):
        assert refused(decode, data + more), f"{data!r} extended by {more!r}"
    for _ in range(6 if data else 0):
        changed = bytearray(data)
        at = dice.randrange(len(data))
        if dice.random() < 0.5:
            changed[at] ^= 1 << dice.randrange(8)
        else:
            changed[at & ~3 : (at & ~3) + 4] = dice.choice(EDGES).to_bytes(4, "big")
        refused(decode, bytes(changed))


def payloads() -> dict[str, Payload]:
    found = {}
    for name, procedure in ALL.items():
        found[f"{name}, arguments"] = codec(procedure).wire_args
        found[f"{name}, results"] = codec(procedure).wire_results
    return found


@pytest.mark.sweep
@pytest.mark.parametrize("first", range(0, len(ALL), 24))
@SOME
@given(data=st.data())
def test_calls_and_replies_that_were_changed_on_their_way(first: int, data: st.DataObject) -> None:
    dice = random.Random(first)
    for name, procedure in list(ALL.items())[first : first + 24]:
        call = codec(procedure)
        args = call.wire_args.encode(data.draw(values.of_fields(procedure.wire_args), name))
        mutilate(call.decode_args, args, dice)
        results = call.wire_results.encode(data.draw(values.of_fields(procedure.wire_results), name))
        mutilate(call.decode_results, results, dice)


@pytest.mark.sweep
@pytest.mark.parametrize("family", events.FAMILIES)
@SOME
@given(data=st.data())
def test_events_that_were_changed_on_their_way(family: str, data: st.DataObject) -> None:
    dice = random.Random(1)
    for kind in (kind for kind, (of_family, _) in events.KINDS.items() if of_family == family):
        record = data.draw(values.of_fields(events.fields(kind)), kind)
        mutilate(lambda raw, kind=kind: decode_event(kind, raw), encode_event(kind, 1, record), dice)  # type: ignore[misc]


INTS = st.integers(*values.RANGES["int"])
MAYBE = st.none() | values.TEXT


@pytest.mark.sweep
@settings(max_examples=rounds(500))
@given(
    code=INTS.filter(lambda code: code not in (0, errors.RPC)),
    message=values.TEXT.filter(bool),
    numbers=st.tuples(INTS, INTS, INTS),
    texts=st.tuples(MAYBE, MAYBE, MAYBE),
    dom=values.of("domain?"),
    net=values.of("network?"),
)
def test_errors_survive_a_round_trip_and_their_mutilation(
    code: int,
    message: str,
    numbers: tuple[int, int, int],
    texts: tuple[str | None, str | None, str | None],
    dom: records.DomainRef | None,
    net: records.NetworkRef | None,
) -> None:
    (domain, int1, int2), (str1, str2, str3) = numbers, texts
    error = errors.VirtError(
        code, message, domain=domain, dom=dom, net=net, str1=str1, str2=str2, str3=str3, int1=int1, int2=int2
    )
    raw = encode_error(error)
    assert encode_error(decode_error(raw)) == raw
    assert decode_error(raw).message == message and decode_error(raw).code == code
    mutilate(decode_error, raw, random.Random(1))


def test_a_hole_that_was_changed_on_its_way() -> None:
    mutilate(decode_hole, (4096).to_bytes(8, "big") + bytes(4), random.Random(1))


@pytest.mark.parametrize("word", [0, 1, 16384, 2**32 - 1])
def test_lies_cost_no_more_than_their_bytes(word: int) -> None:
    """Every structure, and a payload in which all that can be a count or a marker says the same."""
    raw = word.to_bytes(4, "big") * 4096
    tracemalloc.start()
    try:
        for name, payload in payloads().items():
            refused(payload.decode, raw)  # Compiles it, which is not to be measured.
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            start = time.process_time()
            refused(payload.decode, raw)
            assert time.process_time() - start < 1, name
            assert tracemalloc.get_traced_memory()[1] - before < BYTES_PER_BYTE * len(raw), name
    finally:
        tracemalloc.stop()
