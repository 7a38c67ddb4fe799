"""``coprod-kg submit`` and ``coprod-kg validate``; they check nothing themselves."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from coprod_kg.cli.context import opened, setting_options
from coprod_kg.errors import CoprodError, WrongUsage
from coprod_kg.reading.job import Sent
from coprod_kg.reading.sandbox import open_file
from coprod_kg.settings import Settings
from coprod_kg.submitting import Outcome
from coprod_kg.submitting import submit as submit_files
from coprod_kg.submitting import validate as validate_files
from coprod_kg.submitting.reporting import as_json, as_text, as_turtle

__all__ = ["submit", "validate"]

_LIMITS = ("submission_seconds", "submission_memory_mb", "body_mb")


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What both commands take."""
    for option in (
        click.option(
            "--format",
            "report_format",
            type=click.Choice(["table", "json", "turtle"]),
            default="table",
            show_default=True,
            help="How to print the report.",
        ),
        click.option("--json", "as_json_too", is_flag=True, help="The same as --format json."),
        click.option(
            "--media-type",
            metavar="TYPE",
            help="What FILE is, where its name does not tell: text/turtle, JSON-LD, nt …",
        ),
        click.option(
            "--organisation",
            metavar="ID",
            help="Whose data FILE is: the last part of the organisation's IRI.",
        ),
        click.argument(
            "files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path)
        ),
    ):
        command = option(command)
    return command


@click.command(
    epilog="Example: coprod-kg submit my-municipality.ttl --organisation my-municipality --dry-run"
)
@setting_options("data", "base_iri", *_LIMITS)
@_options
@click.option("--dry-run", is_flag=True, help="Do everything but the commit.")
def submit(settings: Settings, *, dry_run: bool, **given: Any) -> None:
    """Read, validate, assess and commit files of RDF, one organisation each.

    A file replaces all data of its organisation. All accepted files enter in one commit; a
    refused file keeps no other one out, and leaves what was there as it was.

    Exit codes: 0 all accepted, 1 something was refused, 2 wrong usage, 3 no store.
    """
    files = _files(given, settings)
    with opened(settings) as store:
        outcomes = submit_files(files, store, settings, dry_run=dry_run)
    _print(outcomes, settings, given, dry_run=dry_run)
    sys.exit(_exit_code(outcomes))


@click.command(epilog="Example: coprod-kg validate my-municipality.ttl --format json")
@setting_options("base_iri", *_LIMITS)
@_options
def validate(settings: Settings, **given: Any) -> None:
    """Read and validate files of RDF without a store.

    Whatever the files refer to must be described in one of them.

    Exit codes: 0 all would be accepted, 1 something would be refused, 2 wrong usage.
    """
    outcomes = validate_files(_files(given, settings), settings)
    _print(outcomes, settings, given, dry_run=True)
    sys.exit(_exit_code(outcomes))


def _files(given: dict[str, Any], settings: Settings) -> Sequence[Path | Sent]:
    """The files to hand on: opened where something is stated about the one there is."""
    paths: tuple[Path, ...] = given["files"]
    organisation, stated = given["organisation"], given["media_type"]
    if organisation and len(paths) > 1:
        raise WrongUsage(
            "--organisation goes with one file only", fix="Submit the files one by one."
        )
    if not organisation and not stated:
        return paths
    opened_files: list[Path | Sent] = []
    for path in paths:
        try:
            opened_files.append(open_file(path, settings, stated, organisation))
        except CoprodError:
            opened_files.append(path)  # told in the report, like every refusal
    return opened_files


def _print(
    outcomes: Sequence[Outcome], settings: Settings, given: dict[str, Any], *, dry_run: bool
) -> None:
    if given["as_json_too"] or given["report_format"] == "json":
        click.echo(as_json(outcomes))
    elif given["report_format"] == "turtle":
        click.echo(as_turtle(outcomes), nl=False)
    else:
        click.echo(as_text(outcomes, settings.base_iri, dry_run=dry_run))


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 where everything was accepted; 2 where only the usage is at fault; else 1."""
    codes = {one.error.exit_code for one in outcomes if one.error}
    return min(codes, default=0)
