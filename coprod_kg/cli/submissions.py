"""``coprod-kg submissions``: what was sent, what it changed, and rolling it back."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from coprod_kg.cli.context import pass_settings
from coprod_kg.client.sources import open_store
from coprod_kg.errors import StoreError
from coprod_kg.formats.text_columns import aligned, terminal_width
from coprod_kg.ingest.history import differences, roll_back, settled
from coprod_kg.ingest.journal import Journal, JournalEntry
from coprod_kg.ingest.report.text import as_lines, as_text
from coprod_kg.ingest.reported import from_table
from coprod_kg.ingest.submit import Sender
from coprod_kg.settings import Settings
from coprod_kg.store.directory import DataDirectory

__all__ = ["submissions"]

_JSON: Callable[..., Any] = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(
    invoke_without_command=True, epilog="Example: coprod-kg submissions show 20260301T101500000000Z"
)
@pass_settings
@_JSON
@click.pass_context
def submissions(context: click.Context, settings: Settings, *, as_json: bool) -> None:
    """List what was submitted, the newest first; see one, compare it, roll it back."""
    if context.invoked_subcommand is not None:
        return
    DataDirectory(settings.data).check_there()
    records = _settled(list(Journal(settings.data).records()), settings)
    if as_json:
        click.echo(
            json.dumps([record.summary() for record in records], indent=2, ensure_ascii=False)
        )
        return
    rows = [
        [
            record.id,
            str(record.version or "-"),
            _owners(record),
            record.sender[:30],
            _effect(record),
        ]
        for record in records
    ]
    header = ("Submission", "Version", "Organisation", "Sent by", "What")
    for line in aligned(header, rows, (), terminal_width()):
        click.echo(line)


@submissions.command(epilog="Example: coprod-kg submissions show 20260301T101500000000Z")
@pass_settings
@_JSON
@click.argument("submission")
def show(settings: Settings, submission: str, *, as_json: bool) -> None:
    """Print the report on a submission again."""
    DataDirectory(settings.data).check_there()
    [record] = _settled([Journal(settings.data).read(submission)], settings)
    if as_json:
        click.echo(json.dumps(record.report, indent=2, ensure_ascii=False))
    else:
        click.echo(as_text(from_table(record.report), settings.base_iri))


@submissions.command(epilog="Example: coprod-kg submissions compare 20260301T101500000000Z")
@pass_settings
@_JSON
@click.argument("submission")
def compare(settings: Settings, submission: str, *, as_json: bool) -> None:
    """Tell in words what a submission changed against the one before."""
    record = Journal(settings.data).read(submission)
    with open_store(settings) as store:
        [record] = settled([record], store, settings.base_iri)
        changes = differences(record, store, settings)
    if as_json:
        click.echo(
            json.dumps(
                [difference.as_dict() for difference in changes], indent=2, ensure_ascii=False
            )
        )
    else:
        click.echo(as_lines(changes))


@submissions.command(epilog="Example: coprod-kg submissions rollback 20260301T101500000000Z")
@pass_settings
@click.argument("submission")
def rollback(settings: Settings, submission: str) -> None:
    """Put the data of its organisations to what it was just before it, as a new version.

    Whatever was sent for them since is taken back with it.
    """
    with open_store(settings) as store:
        record = roll_back(submission, store, settings, Sender())
    click.echo(
        f"Version {record.version} holds {', '.join(record.organisations)} as before {submission}. "
        f"Taking this back too: coprod-kg submissions rollback {record.id}"
    )


def _settled(records: list[JournalEntry], settings: Settings) -> list[JournalEntry]:
    """Records that say what is in the store, as far as this user may open it."""
    if any(record.unsettled for record in records):
        with suppress(StoreError), open_store(settings) as store:
            return settled(records, store, settings.base_iri)
    return records


def _owners(record: JournalEntry) -> str:
    first_owner, *other_owners = record.organisations or ("-",)
    return f"{first_owner} and {len(other_owners)} more" if other_owners else first_owner


def _effect(record: JournalEntry) -> str:
    if record.undoes:
        return f"rolls back {record.undoes}"
    if record.version is None:
        return "may not have entered" if record.unsettled else "did not enter"
    return "merged into what was there" if record.patch else "replaced what was there"
