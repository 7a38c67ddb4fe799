"""``coprod-kg assess``: explains where initiatives stand, or draws conclusions again."""

import json
import sys
from typing import Any

import click

from coprod_kg.assessment import assess as draw_again
from coprod_kg.assessment import organisations
from coprod_kg.assessment.explanation import Explainer
from coprod_kg.assessment.search import find
from coprod_kg.assessment.text import as_lines
from coprod_kg.assessment.values import as_values
from coprod_kg.cli.context import setting_options
from coprod_kg.client.opening import opened
from coprod_kg.errors import NotFound, WrongUsage
from coprod_kg.settings import Settings
from coprod_kg.store.base import Store

__all__ = ["assess"]


@click.command(epilog="Example: coprod-kg assess ryhov-self-care")
@setting_options("data", "base_iri", "submission_seconds", "submission_memory_mb", "body_mb")
@click.argument("names", metavar="[IRI|ID]…", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON, statements included.")
@click.option("--every-stage", is_flag=True, help="Tell the criteria of every stage.")
@click.option(
    "--refresh",
    is_flag=True,
    help="Draw the conclusions again over the organisations named, or over all of them.",
)
def assess(settings: Settings, *, names: tuple[str, ...], refresh: bool, **shown: Any) -> None:
    """Explain at which stage an initiative or organisation stands, and why.

    Tells the stage that is claimed and by whom, the stage that the record supports, every
    criterion met (✓, with what shows it) and missed (✗, with what would show it), the barriers
    reported, and what others did about the same.

    Exit codes: 0 done, 1 no such initiative or organisation, 2 wrong usage, 3 no store.
    """
    if not names and not refresh:
        raise WrongUsage(
            "nothing is named to be assessed",
            fix="Name an initiative, or draw all conclusions again with --refresh.",
        )
    with opened(settings) as store:
        if refresh:
            _refresh(names, store, settings)
        else:
            _explain(names, store, settings, **shown)


def _explain(
    names: tuple[str, ...], store: Store, settings: Settings, *, as_json: bool, every_stage: bool
) -> None:
    explainer = Explainer(store, settings)
    subjects = find(names, store, settings.base_iri)
    explained = [explainer.explain(subject) for subject in subjects]
    if as_json:
        values = [as_values(explanation, explainer.profiles) for explanation in explained]
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
        return
    for number, explanation in enumerate(explained):
        if number:
            click.echo(f"\n{'─' * 72}\n")
        for line in as_lines(explanation, settings.base_iri, every=every_stage):
            click.echo(line)


def _refresh(names: tuple[str, ...], store: Store, settings: Settings) -> None:
    known = organisations(store)
    wanted = [name.strip("<>").rpartition("/")[2] for name in names] or known
    if unknown := [name for name in wanted if name not in known]:
        raise NotFound(
            f"no organisation in the store is called {', '.join(unknown)}",
            fix="Name one that has data, or none for all of them.",
        )
    with click.progressbar(
        length=len(wanted),
        label="Drawing conclusions",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        commit = draw_again(wanted, store, settings, bar.update)
    noun = "organisation" if len(wanted) == 1 else "organisations"
    click.echo(f"{len(wanted)} {noun} assessed; version {commit.version}", err=True)
