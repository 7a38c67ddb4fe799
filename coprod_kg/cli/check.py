"""``coprod-kg check``: contradictions in the data of the store."""

import json
from collections.abc import Iterator, Mapping

import click

from coprod_kg.cli.context import setting_options
from coprod_kg.client.sources import open_store
from coprod_kg.formats.media_types import ROWS
from coprod_kg.formats.table import read_table
from coprod_kg.model.namespaces import shorten
from coprod_kg.queries.ask import ask
from coprod_kg.queries.checks import SavedCheck, load_checks
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query

__all__ = ["check"]


@click.command(epilog="Example: coprod-kg check")
@setting_options("data", "base_iri", "query_seconds")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(settings: Settings, *, as_json: bool) -> None:
    """Look through all data for what contradicts the ontology.

    A submission is checked by itself; two of them can still contradict each other, such as one
    that calls a thing an initiative and another that calls it evidence. Exit code 1 says that
    something was found.
    """
    checks = load_checks()
    with open_store(settings) as store:
        rows_by_check = {}
        for inspection in checks:
            query = Query(inspection.text, (ROWS[0].media_type,), seconds=settings.query_seconds)
            with ask(store, query, settings) as answer:
                rows_by_check[inspection.name] = list(read_table(answer.read()).texts())
    lines = (
        _as_json(checks, rows_by_check)
        if as_json
        else _lines(checks, rows_by_check, settings.base_iri)
    )
    for line in lines:
        click.echo(line)
    if any(rows_by_check.values()):
        raise click.exceptions.Exit(1)


def _as_json(
    checks: tuple[SavedCheck, ...], rows_by_check: Mapping[str, list[dict[str, str]]]
) -> Iterator[str]:
    rows = [
        {
            "check": inspection.name,
            "problem": inspection.problem,
            "solution": inspection.solution,
            **row,
        }
        for inspection in checks
        for row in rows_by_check[inspection.name]
    ]
    yield json.dumps(rows, indent=2, ensure_ascii=False)


def _lines(
    checks: tuple[SavedCheck, ...], rows_by_check: Mapping[str, list[dict[str, str]]], base_iri: str
) -> Iterator[str]:
    for inspection in checks:
        rows = rows_by_check[inspection.name]
        if rows:
            yield f"{inspection.problem} {inspection.solution}"
        for row in rows:
            parts = (row.get(name, "") for name in ("entity", "property", "value"))
            subject = " ".join(shorten(part.removeprefix(base_iri)) for part in parts)
            yield f"  {subject}: {row.get('reason', '')}"
    count = sum(len(rows) for rows in rows_by_check.values())
    plural = "contradiction" if count == 1 else "contradictions"
    yield f"{len(checks)} checks, {count or 'no'} {plural}."
