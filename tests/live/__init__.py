r"""Helpers for tests against the real counterparts: libvirtd, virsh, QEMU guests under TCG, terminals, slow lines.

A test asks for fixtures of `tests/conftest.py`; all clean up after themselves, whatever ends the tests:

    libvirtd        shared unprivileged daemon (runs as nobody for root): test and qemu:///session
    libvirtd_root   shared privileged daemon in a mount namespace of its own: qemu:///system
    libvirtd_net    the same in a network namespace of its own, for virtual networks (through its unix socket)
    new_libvirtd    new_libvirtd(privileged=False): a daemon of the test's own (0.15 s), to kill and start again
    side, side_nobody   run virsh and vsh in a private environment, as the user of the tests or as nobody
    guests          guests.boot_sector(name), guests.linux(name), guests.agent(name): XML of domains that boot in 0.2, 4
                    and 5 s, the last with a guest agent
    define          define(uri, xml, start=False): a domain that is destroyed and undefined after the test

    def test_list(side, libvirtd):
        side.assert_same("-c", libvirtd.uri("test", "tcp"), "list", "--all")
        side.assert_same("-r", "-c", libvirtd.uri("test"), stdin="list\nsuspend test\nquit\n")
        side.assert_same("-c", "test:///default", "dominfo test", ignore=["cpu-time"])

    def test_console(side, libvirtd, guests, define):
        define(libvirtd.uri("qemu"), guests.linux("tiny"))
        with side.terminal("vsh", "-c", libvirtd.uri("qemu"), "start --console tiny") as terminal:
            terminal.expect(LINUX_PROMPT)
            terminal.send("echo $((6 * 7))\r")
            terminal.expect("\n42\r\n")
            terminal.send("\x1d")
            shown, status = terminal.finish()

    def test_slow_line(side, libvirtd):
        with DelayProxy(("127.0.0.1", libvirtd.port), rtt=0.02) as proxy:
            side.vsh("-c", libvirtd.uri_at(proxy.address, "test"), "list")

`side.virsh(…)` and `side.vsh(…, shortcut=False)` return `Run(stdout, stderr, status)`. `daemon.kill()` is a crash,
`daemon.start()` its return, `daemon.log()` what it logged; a failing test's report shows that of its own time.
test:///default on a daemon starts afresh with the first client; what tests do to qemu:/// stays, so name domains after
the test. A guest's first line is seen only by `start --console` and `create --console`, which attach before it runs.

vsh runs as forks of one process (`forks.py`), and with VSH_LIVE=1, as in CI, from the start each time.

`wait_until(condition)` polls, for a state that follows soon ("shut off" after a guest has halted).
`need("program", …)`, `need_root()` and `unavailable(reason)` skip a test, or fail it under VSH_LIVE=1 (as in CI).
`@pytest.mark.long` keeps a test for `pytest -m long` or VSH_LONG=1. `@pytest.mark.sweep` is for a test of many inputs,
which tries a share of them, by `rounds` (`sweeps.py`), and all with `-m long`.
"""
