"""``coprod-kg assess``: explains where initiatives stand, or draws conclusions again."""

import json
import sys
from typing import Any

import click

from coprod_kg.assessment import organisations, recompute_conclusions
from coprod_kg.assessment.explanation import Explainer
from coprod_kg.assessment.migration import migrate as migrate_data
from coprod_kg.assessment.search import find
from coprod_kg.assessment.text import as_lines
from coprod_kg.assessment.values import as_values
from coprod_kg.cli.context import setting_options
from coprod_kg.client.remote import Remote
from coprod_kg.client.sources import open_store
from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.model.advice import LANGUAGES
from coprod_kg.settings import Settings
from coprod_kg.store.base import Store

__all__ = ["assess"]


@click.command(epilog="Example: coprod-kg assess ryhov-self-care")
@setting_options("data", "base_iri", "submission_seconds", "submission_memory_mb", "body_mb")
@click.argument("names", metavar="[IRI|ID]…", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON, statements included.")
@click.option("--url", metavar="URL", help="Ask the running service at this address.")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="The language of the sentences.",
)
@click.option("--every-stage", is_flag=True, help="Tell the criteria of every stage.")
@click.option(
    "--refresh",
    is_flag=True,
    help="Draw the conclusions again over the organisations named, or over all of them.",
)
@click.option(
    "--migrate",
    is_flag=True,
    help="Bring the data to the installed version of the ontology: report what is read "
    "otherwise, write what follows from it, and draw the conclusions again.",
)
@click.option("--dry-run", is_flag=True, help="With --migrate: report, and write nothing.")
def assess(
    settings: Settings,
    *,
    names: tuple[str, ...],
    refresh: bool,
    migrate: bool,
    dry_run: bool,
    url: str | None,
    **display: Any,
) -> None:
    """Explain at which stage an initiative or organisation stands, and why.

    Tells the stage that is claimed and by whom, the stage that the record supports, every
    criterion that is met (✓, with what shows it), said not to hold (✗) or not on record (?, with
    what would show it), the barriers reported, and what others did about the same.

    Exit codes: 0 done, 1 no such initiative or organisation, 2 wrong usage, 3 no store.
    """
    if dry_run and not migrate:
        raise WrongUsage("--dry-run goes with --migrate", fix="Add --migrate, or leave it out.")
    if not names and not (refresh or migrate):
        raise WrongUsage(
            "nothing is named to be assessed",
            fix="Name an initiative, or draw all conclusions again with --refresh.",
        )
    if url:
        if refresh or migrate:
            raise WrongUsage(
                "conclusions are drawn again where the data is",
                fix="Run it there, without --url.",
            )
        _explain_remotely(names, Remote(url, settings.query_seconds), **display)
        return
    with open_store(settings) as store:
        if migrate:
            _migrate(_organisations_named(names, store), store, settings, dry_run=dry_run)
        elif refresh:
            _refresh(names, store, settings)
        else:
            _explain(names, store, settings, **display)


def _explain(
    names: tuple[str, ...],
    store: Store,
    settings: Settings,
    *,
    language: str,
    as_json: bool,
    every_stage: bool,
) -> None:
    explainer = Explainer(store, settings, language)
    subjects = find(names, store, settings.base_iri, language)
    explanations = [explainer.explain(subject) for subject in subjects]
    if as_json:
        values = [as_values(explanation, explainer.profiles) for explanation in explanations]
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
        return
    for number, explanation in enumerate(explanations):
        if number:
            click.echo(f"\n{'─' * 72}\n")
        for line in as_lines(explanation, settings.base_iri, every=every_stage):
            click.echo(line)


def _explain_remotely(
    names: tuple[str, ...], remote: Remote, *, language: str, as_json: bool, every_stage: bool
) -> None:
    """The same from a running service; a name is KIND/NAME, or the IRI of the thing."""
    paths = ["/".join(name.strip("<>").split("/")[-2:]) for name in names]
    if as_json:
        assessments = [json.loads(remote.assessment(name, "json", language)) for name in paths]
        click.echo(json.dumps(assessments, indent=2, ensure_ascii=False))
        return
    for number, name in enumerate(paths):
        if number:
            click.echo(f"\n{'─' * 72}\n")
        click.echo(remote.assessment(name, "txt", language, every_stage=every_stage), nl=False)


def _refresh(names: tuple[str, ...], store: Store, settings: Settings) -> None:
    identifiers = _organisations_named(names, store)
    with click.progressbar(
        length=len(identifiers),
        label="Drawing conclusions",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        commit = recompute_conclusions(identifiers, store, settings, bar.update)
    noun = "organisation" if len(identifiers) == 1 else "organisations"
    click.echo(f"{len(identifiers)} {noun} assessed; version {commit.version}", err=True)


def _organisations_named(names: tuple[str, ...], store: Store) -> list[str]:
    """The organisations that are named, or all that have data."""
    with_data = organisations(store)
    identifiers = [name.strip("<>").rpartition("/")[2] for name in names] or with_data
    if unknown := [name for name in identifiers if name not in with_data]:
        raise NotFound(
            f"no organisation in the store is called {', '.join(unknown)}",
            fix="Name one that has data, or none for all of them.",
        )
    return identifiers


def _migrate(identifiers: list[str], store: Store, settings: Settings, *, dry_run: bool) -> None:
    notes, commit = migrate_data(identifiers, store, settings, dry_run=dry_run)
    things = f"{settings.base_iri}id/"
    for note in notes:
        click.echo(f"{note.thing.removeprefix(things)}: {note.what}")
    outcome = "would be migrated" if dry_run else f"migrated; version {commit.version}"
    click.echo(f"{len(notes)} notes on {len(identifiers)} organisations, {outcome}", err=True)
