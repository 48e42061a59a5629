"""Values to bytes and back: against bytes written by hand, for every call, and for payloads that lie."""

import random
import struct

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.live.sweeps import rounds
from tests.rpc import values
from vsh.backends import errors, events, procedures, records
from vsh.backends.params import BOOLEAN, DOUBLE, INT, STRING, ULLONG, TypedParams
from vsh.backends.rpc.codec import (
    STRINGS_OKAY,
    TELL_STRINGS,
    Codec,
    codec,
    decode_error,
    decode_event,
    decode_hole,
    encode_error,
    encode_event,
)

UUID = bytes(range(16))
ALL = values.all_procedures()
FEW = settings(
    max_examples=rounds(20),
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def hexed(text: str) -> bytes:
    return bytes.fromhex(text.replace("|", " "))


def of(name: str) -> Codec:
    return codec(procedures.lookup(name))


# Bytes by the protocol's definition

DOMAIN = hexed("00000003 766d3100 | 00010203 04050607 08090a0b 0c0d0e0f | ffffffff")


def test_a_domain_travels_as_name_uuid_and_id() -> None:
    ref = records.DomainRef("vm1", UUID, -1)
    assert of("domain_get_state").encode_args((ref, 7)) == DOMAIN + hexed("00000007")
    assert of("domain_get_state").decode_args(DOMAIN + hexed("00000007")) == [ref, 7]


def test_several_results_are_a_record() -> None:
    state = of("domain_get_state").decode_results(hexed("00000005 00000001"))
    assert (state.state, state.reason) == (5, 1)
    assert type(state).__name__ == "DomainGetState"


def test_sizes_are_supplied_and_counts_dropped() -> None:
    call = of("connect_list_all_domains")
    assert call.encode_args((3,)) == hexed("00000001 00000003")
    assert call.decode_args(hexed("00000001 00000003")) == [3]
    payload = hexed("00000001") + DOMAIN + hexed("00000001")
    assert call.decode_results(payload) == [records.DomainRef("vm1", UUID, -1)]
    assert call.encode_results([records.DomainRef("vm1", UUID, -1)]) == payload


def test_text_among_parameters_is_asked_for() -> None:
    call = of("domain_get_numa_parameters")
    assert call.encode_args((records.DomainRef("vm1", UUID, -1), 1)).endswith(hexed("00000005"))


def test_no_result_is_none() -> None:
    assert of("domain_create").decode_results(b"") is None
    assert of("domain_create").encode_results(None) == b""


def test_small_integers_travel_in_four_bytes() -> None:
    payload = hexed("00000001 | 0000000000000400 | 0000000000000200 | 00000002 | 0000000000000009")
    info = of("domain_get_info").decode_results(payload)
    assert tuple(info) == (1, 1024, 512, 2, 9)
    assert of("domain_get_info").encode_results(info) == payload


def test_texts_sent_as_characters_take_four_bytes_each() -> None:
    model = b"".join(bytes([0, 0, 0, c]) for c in b"i686".ljust(32, b"\0"))
    payload = model + struct.pack(">Qiiiiii", 1, 2, 3, 4, 5, 6, 7)
    info = of("node_get_info").decode_results(payload)
    assert info.model == "i686" and info.threads == 7
    assert of("node_get_info").encode_results(info) == payload


def test_typed_parameters_keep_their_types_order_and_duplicates() -> None:
    payload = hexed(
        "00000005"
        "00000001 61000000 00000001 fffffffe"
        "00000001 62000000 00000004 ffffffffffffffff"
        "00000001 62000000 00000005 3ff8000000000000"
        "00000001 64000000 00000006 00000001"
        "00000001 65000000 00000007 00000002 c3bc0000"
    )
    items = [("a", INT, -2), ("b", ULLONG, 2**64 - 1), ("b", DOUBLE, 1.5), ("d", BOOLEAN, True), ("e", STRING, "ü")]
    call = of("domain_get_perf_events")
    assert call.decode_results(payload) == TypedParams(items)
    assert call.encode_results(TypedParams(items)) == payload


def test_an_optional_value_has_a_marker() -> None:
    call = of("connect_get_max_vcpus")
    assert call.encode_args((None,)) == hexed("00000000")
    assert call.encode_args(("kvm",)) == hexed("00000001 00000003 6b766d00")


def test_an_error_keeps_all_its_fields() -> None:
    dom, net = records.DomainRef("vm1", UUID, 4), records.NetworkRef("n", UUID)
    error = errors.VirtError(
        42, "Domain not found: x", domain=10, dom=dom, net=net, str1="a", str2=None, str3="", int1=1, int2=-5
    )
    back = decode_error(encode_error(error))
    names = ("code", "domain", "message", "level", "dom", "net", "str1", "str2", "str3", "int1", "int2")
    assert [getattr(back, n) for n in names] == [getattr(error, n) for n in names]


def test_an_unknown_procedure_is_no_support() -> None:
    error = errors.VirtError(errors.RPC, "unknown procedure: 443", domain=errors.FROM_RPC)
    assert decode_error(encode_error(error)).code == errors.NO_SUPPORT


def test_events_carry_a_callback_id_and_lose_their_wrapping() -> None:
    payload = hexed("00000009") + DOMAIN + hexed("00000002 00000000")
    callback_id, event = decode_event("domain_event_lifecycle", payload)
    assert callback_id == 9 and (event.dom.name, event.event, event.detail) == ("vm1", 2, 0)
    assert encode_event("domain_event_lifecycle", 9, event) == payload


@pytest.mark.sweep
@pytest.mark.parametrize("family", events.FAMILIES)
@FEW
@given(data=st.data())
def test_every_event_survives_a_round_trip(family: str, data: st.DataObject) -> None:
    for kind in (kind for kind, (of_family, _) in events.KINDS.items() if of_family == family):
        fields = events.fields(kind)
        record = data.draw(values.of_fields(fields), kind)
        _, back = decode_event(kind, encode_event(kind, 1, record))
        assert list(back) == record and list(back._fields) == [field.name for field in fields]


@pytest.mark.sweep
@pytest.mark.parametrize("first", range(0, len(ALL), 12))
@FEW
@given(data=st.data())
def test_every_call_survives_a_round_trip(first: int, data: st.DataObject) -> None:
    for name, procedure in list(ALL.items())[first : first + 12]:
        call = codec(procedure)
        args = data.draw(values.of_fields([f for f in procedure.parameters if f.name != "files"]), name)
        if name in TELL_STRINGS:
            args[-1] &= ~STRINGS_OKAY
        assert call.decode_args(call.encode_args(args)) == args
        results = data.draw(values.of_fields(procedure.results), name)
        value = None if not results else results[0] if len(results) == 1 else tuple(results)
        assert call.decode_results(call.encode_results(value)) == value


# Payloads that lie


@pytest.mark.sweep
@pytest.mark.parametrize("group", procedures.GROUPS)
def test_mutilated_payloads_give_a_value_or_a_virterror(group: str) -> None:
    dice = random.Random(1)
    for name in procedures.table(group):
        call = codec(ALL[name])
        for decode in (call.decode_args, call.decode_results):
            for _ in range(rounds(300)):
                words = [dice.choice((0, 1, 2, 3, 7, 2**31, 2**32 - 1)) for _ in range(dice.randrange(24))]
                payload = b"".join(word.to_bytes(4, "big") for word in words) + bytes(dice.randrange(3))
                try:
                    decode(payload)
                except errors.VirtError as error:
                    assert error.code == errors.RPC


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        pytest.param("domain_get_state", "00000001", id="too short"),
        pytest.param("domain_get_state", "00000001 00000002 00000003", id="too long"),
        pytest.param("connect_get_type", "00000004 414141", id="string behind the end"),
        pytest.param("connect_get_type", "00400001" + "41414141" * 4, id="string over its maximum"),
        pytest.param("connect_get_type", "ffffffff 41414141", id="string of 4 GiB"),
        pytest.param("connect_get_type", "00000003 414141", id="padding missing"),
        pytest.param("connect_list_all_domains", "00004001 00000000", id="more items than allowed"),
        pytest.param("connect_list_all_domains", "00004000 00000000", id="more items than there are bytes"),
        pytest.param("node_device_get_parent", "00000002 00000000", id="neither there nor not"),
        pytest.param("domain_get_perf_events", "00000001 00000001 61000000 00000008 00000000", id="no such type"),
        pytest.param("secret_get_value", "00010001 00000000", id="bytes over their maximum"),
        pytest.param("node_get_info", "00000069", id="characters cut off"),
    ],
)
def test_what_is_malformed_is_said(name: str, payload: str) -> None:
    with pytest.raises(errors.VirtError, match="Unable to decode message payload") as caught:
        of(name).decode_results(hexed(payload))
    assert caught.value.code == errors.RPC and "\n" not in str(caught.value)


def test_bytes_that_are_not_utf8_are_kept() -> None:
    payload = hexed("00000004 41ff42fe")
    text = of("connect_get_type").decode_results(payload)
    assert text == "A\udcffB\udcfe"
    assert of("connect_get_type").encode_results(text) == payload


def test_a_hole_has_a_length_and_no_flags() -> None:
    assert decode_hole(hexed("0000000000000100 00000000")) == 256
    for wrong in ("ffffffffffffffff 00000000", "0000000000000001 00000001", "00000001"):
        with pytest.raises(errors.VirtError):
            decode_hole(hexed(wrong))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("domain_set_memory", (records.DomainRef("a", UUID, 1), -1)),
        ("domain_set_vcpus", (records.DomainRef("a", UUID, 1), 2**32)),
        ("domain_lookup_by_uuid", (b"short",)),
        ("domain_lookup_by_name", ("x" * 4194305,)),
        ("domain_lookup_by_name", ("\ud800",)),
        ("domain_pin_vcpu", (records.DomainRef("a", UUID, 1), 0, bytes(2049))),
        ("domain_set_memory_parameters", (records.DomainRef("a", UUID, 1), TypedParams([("a", INT, 1)] * 17), 0)),
    ],
)
def test_what_the_protocol_cannot_carry_is_said(name: str, args: tuple[object, ...]) -> None:
    with pytest.raises(errors.VirtError, match="Unable to encode message payload"):
        of(name).encode_args(args)
