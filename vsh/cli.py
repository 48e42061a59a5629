"""Vsh as a click application: `vsh.cli:app`, the public object for embedding, plug-ins and tests (click's CliRunner).

Its commands are click Commands made on demand from the declarations, beside those that others add with
`app.add_command`. Parsing is vsh's own, since click cannot express virsh's grammar.
"""

import click

from . import options
from .commands.declare import Alias, Opt
from .commands.errors import CommandError
from .commands.index import COMMANDS, find
from .parser import parse_argv
from .render import renderer
from .session import Session


class Verb(click.Command):
    """One declared command as click sees it; runs on the Session found in its context, or on one of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            ctx.params["parsed"] = parse_argv([self.name or "", *args])
        except CommandError as error:
            raise click.ClickException(str(error)) from error
        return []

    def invoke(self, ctx: click.Context) -> None:
        session = ctx.find_object(Session) or Session(options.Options())
        ctx.exit(0 if session.run(ctx.params["parsed"]) else 1)


class Shell(click.Group):
    """The whole shell.

    Without a command it is interactive.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        declared = find(cmd_name)
        if declared is None:
            return super().get_command(ctx, cmd_name)
        params = [_parameter(option) for option in declared.options if not isinstance(option, Alias)]
        return Verb(cmd_name, params=params, help=declared.summary, hidden=declared.hidden, add_help_option=False)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.obj = options.Options()
        try:
            options.parse(args, into=ctx.obj)
        except CommandError as error:
            renderer(ctx.obj, ctx.info_name or "vsh").error(None, error)
            ctx.exit(1)
        return []

    def invoke(self, ctx: click.Context) -> None:
        chosen: options.Options = ctx.obj
        program = ctx.info_name or "vsh"
        if chosen.help or chosen.version:
            from . import usage

            click.echo(usage.usage(program) if chosen.help else usage.version(program, chosen.version), nl=False)
            return
        if chosen.rest and chosen.rest[0] in self.commands:
            plug_in = self.commands[chosen.rest[0]]
            with plug_in.make_context(chosen.rest[0], chosen.rest[1:], parent=ctx) as sub:
                plug_in.invoke(sub)
            return
        if chosen.rest:
            ctx.exit(Session(chosen, program).one_shot())
        from .interactive import interactive

        ctx.exit(interactive(chosen, program))


def _parameter(option: Opt) -> click.Parameter:
    if option.kind in ("data", "argv"):
        return click.Argument([option.key], required=option.required, nargs=-1 if option.kind == "argv" else 1)
    return click.Option([f"--{option.name}"], is_flag=option.kind == "bool", help=option.help)


app = Shell("vsh", help="Manage virtual machines on any hypervisor.", add_help_option=False)
