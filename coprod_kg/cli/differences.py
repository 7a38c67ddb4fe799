"""``coprod-kg differences``: a saved query's answers over two versions, compared."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import click

from coprod_kg.cli.collected import saved_queries
from coprod_kg.cli.context import parameter_values, question_arguments, setting_options
from coprod_kg.cli.watch import difference_lines
from coprod_kg.client.remote import Remote
from coprod_kg.client.sources import BoundQuestion, Folder, saved_query_named
from coprod_kg.errors import NotFound
from coprod_kg.formats.media_types import ROWS
from coprod_kg.formats.table import read_table
from coprod_kg.queries.differences import Differences, as_csv, compare, document, key_columns
from coprod_kg.settings import Settings

__all__ = ["differences"]

_JSON: Final = (ROWS[0].media_type,)


@click.command(epilog="Example: coprod-kg differences initiatives-by-stage --from 3 --to 7")
@setting_options("data", "base_iri", "query_seconds", "service_allow", "service_seconds", "queries")
@question_arguments
@click.option("--from", "before", type=int, metavar="N", help="The earlier version.")
@click.option("--to", "after", type=int, metavar="N", help="The later version.")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(("text", "csv", "json"), case_sensitive=False),
    help="Write this format; on a terminal text, else CSV.",
)
@click.option("--url", metavar="URL", help="Ask the running service at this address.")
def differences(settings: Settings, *, name: str, params: tuple[str, ...], **options: Any) -> None:
    """Show what the saved query NAME answers otherwise in another version.

    Without versions: between the newest and the one before it.
    """
    question = _question(settings, name, parameter_values(params), options["url"])
    entry = question.described
    if entry["form"] != "SELECT":
        raise NotFound(f"the answer of {name} has no rows that could differ")
    later = question.newest() if options["after"] is None else options["after"]
    earlier = max(later - 1, 0) if options["before"] is None else options["before"]
    tables = []
    for number in (earlier, later):
        with question.answer(_JSON, None, number) as answer:
            tables.append(read_table(answer.read()))
    changes = compare(tables[0], tables[1], key_columns(tuple(entry["key"]), *tables))
    form = options["form"] or ("text" if sys.stdout.isatty() else "csv")
    if form == "csv":
        click.echo(as_csv(changes, "\n"), nl=False)
    elif form == "json":
        output = {"query": name, "from": earlier, "to": later, **document(changes)}
        click.echo(json.dumps(output, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(_text(changes, entry, (earlier, later))))


def _question(
    settings: Settings, name: str, values: Mapping[str, Sequence[str]], url: str | None
) -> BoundQuestion:
    if url:
        return BoundQuestion(Remote(url, settings.query_seconds), name, values)
    queries = saved_queries(settings, name)
    # Refuse a wrong value before a store is opened.
    saved_query_named(queries, name).bound_terms(values, settings.base_iri)
    return BoundQuestion(Folder(settings, queries), name, values)


def _text(changes: Differences, entry: Mapping[str, Any], span: tuple[int, int]) -> Iterator[str]:
    kinds = (("added", changes.added), ("removed", changes.removed), ("changed", changes.changed))
    counts = ", ".join(f"{len(rows)} {kind}" for kind, rows in kinds)
    yield f"{entry['summary']} From version {span[0]} to {span[1]}: {counts}."
    names = {column["name"]: column["label"] for column in entry["columns"]}
    yield from difference_lines(changes, names)
