"""One command line on several saved connections at once: `-c web1,web2` and `--tag prod`."""

from concurrent.futures import ThreadPoolExecutor

from .backends import saved
from .commands.errors import CommandError
from .commands.results import Result, Table, Text
from .render.data import CsvRenderer, JsonRenderer, NdjsonRenderer
from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .backends.streams import Stream
    from .commands.declare import Command
    from .options import Options
    from .parser import Parsed

#: How many hosts are worked on at a time.
LIMIT = 32


class Answer:
    """What one command said on one host; serves that host's session as its renderer."""

    watched = False

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.errors: list[CommandError] = []

    def show(self, command: "Command", result: "Any") -> None:
        if result is not None:
            for one in result if hasattr(result, "__next__") else (result,):
                self.results.append(one)

    def error(self, command: "Command | None", error: CommandError) -> None:
        self.errors.append(error)

    def progress(self, label: str, remaining: int, total: int) -> None:
        pass

    def after(self, seconds: float) -> None:
        pass


class HostSession(Session):
    """A session on one of several hosts: it has nobody to talk to."""

    terminal = False

    def interact(self, stream: "Stream") -> None:
        raise CommandError("this needs a terminal, and works on one host at a time")

    def edit(self, text: str, accept: "Any") -> "Any":
        raise CommandError("editing works on one host at a time")

    def choose(self, question: str, answers: "Mapping[str, str]") -> None:
        return None

    def _ask(self, question: str, hidden: bool) -> None:
        return None


def chosen(options: "Options") -> "list[saved.Saved]":
    """The saved connections that `-c A,B` and `--tag` name.

    Raises CommandError.
    """
    try:
        known = saved.hosts()
    except ValueError as error:
        raise CommandError(str(error)) from error
    names = list(dict.fromkeys(name for part in (options.uri or "").split(",") if (name := part.strip())))
    for name in names:
        if name not in known:
            raise CommandError(f"no saved connection is called '{name}'", hint=f"'hosts' lists those of {saved.path()}")
    hosts = [known[name] for name in names] if names else list(known.values())
    if options.tag:
        hosts = [host for host in hosts if options.tag in host.tags]
        if not hosts:
            asked = f"none of {', '.join(names)}" if names else "no saved connection"
            raise CommandError(f"{asked} has the tag '{options.tag}'", hint="'hosts' shows the tags")
    return hosts


def fan_out(options: "Options", program: str) -> int:
    """Run the command line on all the chosen hosts; the exit status, 1 when anything failed anywhere."""
    main = Session(options, program)  # which reads the command line and logs for all
    render: Any = main.render
    sessions: dict[str, HostSession] = {}
    failed = False
    try:
        main.open_log()
        parsed = main.parse(options.rest)
        for one in parsed:
            _refuse_interactive(one)
        for host in chosen(options):
            sessions[host.name] = HostSession(options, program)
            sessions[host.name].uri = host.uri
    except CommandError as error:
        main.render.error(None, error)
        return 1
    with ThreadPoolExecutor(LIMIT) as pool:
        for one in parsed:
            if not one.command.connects:
                failed = not main.run([one]) or failed
                continue
            answers = dict(zip(sessions, pool.map(lambda s, one=one: _run(s, one), sessions.values()), strict=True))
            failures = [_of(name, error) for name, answer in answers.items() for error in answer.errors]
            if main.log:
                for failure in failures:
                    main.log.failure(failure)
            failed = failed or bool(failures)
            try:
                if isinstance(render, JsonRenderer):
                    _show_data(render, one, answers)
                else:
                    _show(render, one, answers)
            except CommandError as error:  # --columns and the like
                failed = True
                render.error(one.command, error)
            render.after(0.0)
        list(pool.map(lambda session: session.close(), sessions.values()))
    return int(failed)


def _run(session: HostSession, one: "Parsed") -> Answer:
    answer = Answer()
    session.render = answer
    session.run([one])
    return answer


def _refuse_interactive(one: "Parsed") -> None:
    name = one.command.name
    if name in ("console", "connect", "quit", "exit") or name.endswith("edit") or {"console", "edit"} & set(one.given):
        raise CommandError(f"'{name}' works on one host at a time", hint="name one connection with -c")


def _show(render: "Any", one: "Parsed", answers: "dict[str, Answer]") -> None:
    """Tables become one table with a column for the host; of everything else each line begins with the host's name."""
    good = {name: answer.results for name, answer in answers.items() if answer.results}
    tables = {name: found[0] for name, found in good.items() if len(found) == 1 and isinstance(found[0], Table)}
    if good and len(tables) == len(good) and len({tuple(table.headers) for table in tables.values()}) == 1:
        headers = ["Host", *next(iter(tables.values())).headers]
        rows = [[name, *row] for name, table in tables.items() for row in table.rows]
        records = [{"host": name, **record} for name, table in tables.items() for record in table.records]
        render.show(one.command, Table(headers, rows, records))
    else:
        for name, results in good.items():
            lines = "".join(result.plain(render.quiet) for result in results).splitlines()
            render.show(one.command, Text("".join(f"{name}: {line}\n" for line in lines if line)))
    for name, answer in answers.items():
        for error in answer.errors:
            if str(error) or error.cause:  # else all was said by the exit status
                render.error(one.command, _of(name, error))


def _of(name: str, error: CommandError) -> CommandError:
    """An error with the name of the host that had it."""
    return CommandError(f"{name}: {error.summary or error}", error.cause, error.hint)


def _show_data(render: JsonRenderer, one: "Parsed", answers: "dict[str, Answer]") -> None:
    """One object with the answers by host; the formats of lines have the host in each line."""
    select = render.selection.data if render.selection else lambda name, result: result.data()
    hosts: dict[str, dict[str, Any]] = {}
    rows = []
    for name, answer in answers.items():
        values = [data for result in answer.results if (data := select(one.command.name, result)) is not None]
        hosts[name] = {"result": values[0] if len(values) == 1 else values} if values else {}
        for value in values:
            rows += [{"host": name, **_row(element)} for element in (value if isinstance(value, list) else [value])]
        for error in answer.errors:
            hosts[name]["error"] = render.face(error)
    if isinstance(render, CsvRenderer | NdjsonRenderer):
        render.result(one.command.name, rows)
        for name, answer in answers.items():
            for error in answer.errors:
                render.error(one.command, _of(name, error))
    else:
        render.hosts(one.command.name, hosts)


def _row(element: "Any") -> "dict[str, Any]":
    return element if isinstance(element, dict) else {"value": element}
