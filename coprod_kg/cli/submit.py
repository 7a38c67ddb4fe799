"""``coprod-kg submit`` and ``coprod-kg validate``: files submitted, or only checked."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, Final, NoReturn

import click

from coprod_kg.assessment.summary import verdict_lines
from coprod_kg.cli.context import setting_options
from coprod_kg.client.sources import open_store
from coprod_kg.errors import CoprodError, WrongUsage
from coprod_kg.ingest.outcome import SubmittedFile
from coprod_kg.ingest.report.marks import marked
from coprod_kg.ingest.report.page import as_page
from coprod_kg.ingest.report.text import as_text
from coprod_kg.ingest.report.turtle import as_turtle
from coprod_kg.ingest.reported import as_table, reported
from coprod_kg.ingest.sandbox import open_file
from coprod_kg.ingest.submit import Outcome, Progress, SubmitOptions
from coprod_kg.ingest.submit import submit as submit_files
from coprod_kg.ingest.submit import validate as validate_files
from coprod_kg.settings import Settings
from coprod_kg.workbook.delimited import pack

__all__ = ["submit", "validate"]

_WORTH_A_BAR: Final = 16
_LIMITS = ("submission_seconds", "submission_memory_mb", "body_mb", "days_ahead")


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What both commands take."""
    for option in (
        click.option(
            "--format",
            "report_format",
            type=click.Choice(["table", "json", "turtle", "html"]),
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
        click.option(
            "--marked",
            metavar="FILE.xlsx",
            type=click.Path(path_type=Path),
            help="Write your workbook back here, with the cells to mend coloured and commented.",
        ),
        click.argument(
            "files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path)
        ),
    ):
        command = option(command)
    return command


@click.command(
    epilog="Example: coprod-kg submit my-municipality.xlsx --dry-run --marked to-mend.xlsx"
)
@setting_options("data", "base_iri", *_LIMITS)
@_options
@click.option("--dry-run", is_flag=True, help="Do everything but the commit.")
@click.option(
    "--patch",
    is_flag=True,
    help="Replace only the things that FILE describes; what else was sent before stays.",
)
def submit(settings: Settings, *, dry_run: bool, patch: bool, **options: Any) -> None:
    """Read, validate, assess and commit workbooks, CSV or RDF of one organisation each.

    A file replaces all data of its organisation. All accepted files enter in one commit; a
    refused file keeps no other one out, and leaves what was there as it was. A workbook may hold
    several organisations, which enter together or not at all.

    Exit codes: 0 all accepted, 1 something was refused, 2 wrong usage, 3 no store.
    """
    files = _files(options, settings)
    with open_store(settings, create=not dry_run) as store, _progress_bar() as progress:
        submit_options = SubmitOptions(dry_run=dry_run, patch=patch, progress=progress)
        outcomes = submit_files(files, store, settings, options=submit_options)
        entered = {
            outcome.organisation for outcome in outcomes if outcome.version and outcome.organisation
        }
        lines = verdict_lines(store, settings.base_iri, entered, _language(outcomes))
        verdicts = list(lines) if entered else []
    _print_and_exit(outcomes, settings, options, dry_run=dry_run, verdicts=verdicts)


@click.command(epilog="Example: coprod-kg validate my-municipality.xlsx --marked to-mend.xlsx")
@setting_options("base_iri", *_LIMITS)
@_options
def validate(settings: Settings, **options: Any) -> None:
    """Read and validate workbooks, CSV or RDF without a store.

    Whatever the files refer to must be described in one of them.

    Exit codes: 0 all would be accepted, 1 something would be refused, 2 wrong usage.
    """
    files = _files(options, settings)
    with _progress_bar() as progress:
        outcomes = validate_files(files, settings, progress)
    _print_and_exit(outcomes, settings, options, dry_run=True)


def _language(outcomes: Sequence[Outcome]) -> str:
    """The language of the workbooks that were sent; English for several, and for RDF."""
    tables = [outcome.checked.positions for outcome in outcomes]
    languages = {table.language if table else "en" for table in tables}
    return languages.pop() if len(languages) == 1 else "en"


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """A progress bar at a terminal where there are many files; none when piped."""
    lock, count = Lock(), {"all": 0, "done": 0}
    at_terminal = sys.stderr.isatty()

    def show() -> None:
        if at_terminal and count["all"] >= _WORTH_A_BAR:
            filled = 40 * count["done"] // count["all"]
            bar = "#" * filled + "-" * (40 - filled)
            click.echo(f"\rChecking [{bar}] {count['done']}/{count['all']}", nl=False, err=True)

    def add(key: str, number: int) -> None:
        with lock:
            count[key] += number
            show()

    yield Progress(more=lambda number: add("all", number), done=lambda number: add("done", number))
    if at_terminal and count["all"] >= _WORTH_A_BAR:
        click.echo(err=True)


def _files(options: dict[str, Any], settings: Settings) -> Sequence[Path | SubmittedFile]:
    """The files to hand on: opened where something is stated about the one there is."""
    paths: Sequence[Path | SubmittedFile] = [
        _zipped_folder(path, settings) for path in options["files"]
    ]
    organisation, stated = options["organisation"], options["media_type"]
    if organisation and len(paths) > 1:
        raise WrongUsage(
            "--organisation goes with one file only", fix="Submit the files one by one."
        )
    if not organisation and not stated:
        return paths
    return [_opened_with_type(path, settings, stated, organisation) for path in paths]


def _zipped_folder(path: Path, settings: Settings) -> Path | SubmittedFile:
    """A folder of CSV files as the zip that it might have been."""
    if not path.is_dir():
        return path
    try:
        return SubmittedFile(f"{path.name or 'folder'}.zip", pack(path, settings.body_mb << 20))
    except CoprodError:
        return path  # the check opens it again, and the report has the error


def _opened_with_type(
    file: Path | SubmittedFile, settings: Settings, stated: str | None, organisation: str | None
) -> Path | SubmittedFile:
    """A file with what was stated about it."""
    if isinstance(file, SubmittedFile):
        return replace(file, organisation=organisation)
    try:
        return open_file(file, settings, stated, organisation)
    except CoprodError:
        return file  # the check opens it again, and the report has the error


def _print_and_exit(
    outcomes: Sequence[Outcome],
    settings: Settings,
    options: dict[str, Any],
    *,
    dry_run: bool,
    verdicts: Sequence[str] = (),
) -> NoReturn:
    """Print the report, write the marked workbook where one is wanted, and end."""
    files = reported(outcomes)
    if options["as_json_too"] or options["report_format"] == "json":
        click.echo(json.dumps(as_table(outcomes), indent=2, ensure_ascii=False))
    elif options["report_format"] == "turtle":
        click.echo(as_turtle(files), nl=False)
    elif options["report_format"] == "html":
        click.echo(as_page(files, settings.base_iri))
    else:
        click.echo(as_text(files, settings.base_iri, dry_run=dry_run))
        for line in verdicts:
            click.echo(line)
    if options["marked"]:
        _mark(outcomes, settings, options["marked"])
    sys.exit(_exit_code(outcomes))


def _mark(outcomes: Sequence[Outcome], settings: Settings, path: Path) -> None:
    files_sent = [outcome.sent for outcome in outcomes if outcome.sent]
    if len({id(member) for member in files_sent}) != 1:
        raise WrongUsage("--marked goes with one workbook", fix="Check the files one by one.")
    [file] = reported(outcomes)
    try:
        path.write_bytes(marked(files_sent[0], file, settings))
    except OSError as error:
        raise WrongUsage(f"it cannot be written: {error.strerror}", where=str(path)) from None
    click.echo(f"The marked workbook is written to {path}", err=True)


def _exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 where everything was accepted; 2 where only the usage is at fault; else 1."""
    codes = {outcome.error.exit_code for outcome in outcomes if outcome.error}
    return min(codes, default=0)
