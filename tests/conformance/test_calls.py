"""Names, arguments, results, errors: each call against the tables."""

import importlib
import inspect

import pytest

from tests.conformance import shapes
from tests.conformance.hosts import Host
from vsh.backends import api, driver, errors, procedures
from vsh.backends.errors import VirtError
from vsh.backends.records import DomainRef


@pytest.fixture(params=shapes.GROUPS)
def group(request: pytest.FixtureRequest) -> list[procedures.Procedure]:
    return shapes.calls(request.param)


def parts(cls: type[driver.Connection]) -> list[type]:
    """The classes in which a driver keeps more calls."""
    names = [part.partition(":")[::2] for part in cls.parts]
    return [getattr(importlib.import_module(module), name) for module, name in names]


def test_written_calls_have_the_contracts_names_and_arguments(conn: api.Connection) -> None:
    cls = type(conn.session)
    strays = []
    for holder, name in [(part, name) for part in (cls, *parts(cls)) for name in dir(part)]:
        written = inspect.getattr_static(holder, name)
        if name[0] == "_" or hasattr(driver.Connection, name) or not inspect.isfunction(written):
            continue
        try:
            wanted = [field.name.rstrip("_") for field in procedures.lookup(name).parameters]
        except KeyError:
            strays.append(f"{name} is no call")
            continue
        seen = [parameter.rstrip("_") for parameter in list(inspect.signature(written).parameters)[1:]]
        if seen != wanted:
            strays.append(f"{name} takes {seen}, not {wanted}")
    assert not strays


def test_every_call_gives_what_the_tables_say_or_a_virt_error(host: Host, group: list[procedures.Procedure]) -> None:
    """Also with arguments nobody would write: whatever happens, it is a result of the right shape or a VirtError."""
    if not host.fresh:
        pytest.skip("calls everything, and may for that reason only on a host that starts anew")
    faults = []
    for procedure in group:
        conn = host.open()
        try:
            if conn.supports(procedure.name) is False:
                continue
            known: dict[str, object] = {
                "domain": conn.domain_lookup_by_name("test"),
                "xml": host.domain_xml.replace("{name}", "vsh-shape"),
                "xml_desc": host.domain_xml.replace("{name}", "vsh-shape"),
                "to": "/dev/null/vsh",
                "from_": "/dev/null/vsh",
                "file": "/dev/null/vsh",
            }
            args = shapes.arguments(procedure, known)
            try:
                found = shapes.result_fault(procedure, getattr(conn, procedure.name)(*args))
            except VirtError as error:
                found = "" if error.code and error.message else f"error without code or message: {error!r}"
            except Exception as error:
                found = repr(error)
            if found:
                faults.append(f"{procedure.name}{args}: {found}")
        finally:
            conn.close()
    assert not faults, "\n".join(faults)


#: What is refused before a driver is asked, were it not there.
SENSIBLE: dict[str, object] = {"pid_value": 1, "files": [0]}


def test_calls_a_driver_lacks_say_so_with_libvirts_words(
    conn: api.Connection, group: list[procedures.Procedure]
) -> None:
    for procedure in group:
        if conn.supports(procedure.name) is False:
            with pytest.raises(VirtError) as caught:
                getattr(conn, procedure.name)(*shapes.arguments(procedure, SENSIBLE))
            assert caught.value.code == errors.NO_SUPPORT
            wanted = f"this function is not supported by the connection driver: {procedure.api}"
            assert caught.value.message == wanted


def test_unknown_names_are_no_calls(conn: api.Connection) -> None:
    with pytest.raises(AttributeError):
        conn.domain_make_coffee  # type: ignore[attr-defined]  # noqa: B018


def test_a_read_only_connection_refuses_every_call_that_changes_something(
    host: Host, group: list[procedures.Procedure]
) -> None:
    conn = host.open(readonly=True)
    try:
        for procedure in group:
            if procedure.readonly != "!" or conn.supports(procedure.name) is False:
                continue
            with pytest.raises(VirtError) as caught:
                getattr(conn, procedure.name)(*shapes.arguments(procedure, {}))
            assert caught.value.code == errors.OPERATION_DENIED
            assert caught.value.message == f"operation forbidden: read only access prevents {procedure.api}"
    finally:
        conn.close()


def test_a_read_only_connection_reads_but_tells_no_secrets(host: Host, domain: DomainRef) -> None:
    conn = host.open(readonly=True)
    try:
        assert domain in conn.connect_list_all_domains()
        assert conn.domain_get_state(domain).state == 1
        if conn.supports("domain_get_xml_desc"):
            assert "<name>" in conn.domain_get_xml_desc(domain)
        with pytest.raises(VirtError) as caught:
            conn.domain_get_xml_desc(domain, 1)
        assert caught.value.code == errors.OPERATION_DENIED
    finally:
        conn.close()


def test_twins_are_supported_together(conn: api.Connection) -> None:
    for older, (newer, _) in driver.TWINS.items():
        if conn.supports(newer):
            assert conn.supports(older), older


def test_twins_agree(conn: api.Connection, domain: DomainRef) -> None:
    assert conn.domain_get_max_vcpus(domain) == conn.domain_get_vcpus_flags(domain, 5)
    assert conn.domain_destroy(domain) is None
    assert conn.domain_create(domain) is None
    conn.domain_destroy_flags(domain)
    assert conn.domain_create_with_flags(domain).id > domain.id


def test_errors_carry_code_and_text(conn: api.Connection) -> None:
    with pytest.raises(VirtError) as caught:
        conn.domain_lookup_by_name("vsh-there-is-no-such-domain")
    assert caught.value.code == errors.NO_DOMAIN
    assert caught.value.message.startswith("Domain not found")
    assert str(caught.value) == caught.value.message
