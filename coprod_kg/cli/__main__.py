"""The command ``coprod-kg``: finds the subcommand and ends with the right exit code."""

import importlib
import os
import signal
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from types import FrameType

import click

from coprod_kg.cli.completion import register
from coprod_kg.errors import CoprodError, StoreUnavailable
from coprod_kg.store.directory import user_name

__all__ = ["main"]

_COMMANDS: Mapping[str, str] = {
    "serve": "serve:serve",
    "prepare-examples": "prepare_examples:prepare_examples",
    "submit": "submit:submit",
    "submissions": "submissions:submissions",
    "proposals": "proposals:proposals",
    "validate": "submit:validate",
    "queries": "queries:queries",
    "query": "query:query",
    "differences": "differences:differences",
    "refresh": "refresh:refresh",
    "sparql": "query:sparql",
    "template": "template:template",
    "map": "map:map_sources",
    "assess": "assess:assess",
    "check": "check:check",
    "check-ontology": "ontology:check_ontology",
    "check-queries": "check_queries:check_queries",
    "check-portal": "check_portal:check_portal_command",
    "harvest": "harvest:harvest_command",
    "versions": "versions:versions",
    "tag": "versions:tag",
    "dump": "backup:dump",
    "release": "release:release",
    "backup": "backup:backup",
    "restore": "backup:restore",
    "migrate": "migrate:migrate",
    "token": "token:token",
    "private": "private:private",
}
"""Command → its module in this package and its name there; imported only when it is used."""


class _Commands(click.Group):
    """The subcommands, imported one at a time so that each starts quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"coprod_kg.cli.{module}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], _COMMANDS, n=2)
            if near:
                message = f"{error.message} Did you mean {' or '.join(near)}?"
                raise click.UsageError(message, ctx) from None
            raise


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="coprod-kg", prog_name="coprod-kg")
def coprod_kg() -> None:
    """Ask, check and serve what is known of how co-production is mainstreamed.

    Every setting is also an environment variable (COPROD_QUERY_SECONDS for --query-seconds)
    and a key in coprod.toml.

    Exit codes: 0 done, 1 the data or the query was refused, 2 wrong usage, 3 the service or the
    store could not be reached.
    """


def main() -> None:
    """Run the command line and end the process with its exit code."""
    register()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup has SIGHUP ignored
            signal.signal(number, _end)
    try:
        status = coprod_kg.main(prog_name="coprod-kg", standalone_mode=False)
        # An exit code comes back as it is, and so does whatever a command returns.
        sys.exit(status if type(status) is int else 0)
    except CoprodError as error:
        click.echo(f"coprod-kg: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except BrokenPipeError:  # what reads our output, such as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # a right that is missing, a disk that is full or broken
        file = f"{error.filename}: " if error.filename else ""
        click.echo(f"coprod-kg: {file}{error.strerror or error}{_user_denied(error)}", err=True)
        sys.exit(StoreUnavailable.exit_code)


def _end(number: int, frame: FrameType | None) -> None:
    """End by an exception: the default action would leave temporary folders behind."""
    sys.exit(128 + number)


def _user_denied(error: OSError) -> str:
    """The user who was denied: most often the command ran as another user than the service."""
    if not isinstance(error, PermissionError):
        return ""
    return f" for {user_name(os.geteuid())}\nRun the command as the user that the file belongs to."


if __name__ == "__main__":
    main()
