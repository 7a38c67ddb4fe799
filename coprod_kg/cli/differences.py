"""``coprod-kg differences``: a saved query's answers over two versions, compared."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import click

from coprod_kg.cli.collected import known
from coprod_kg.cli.context import bound, question_arguments, setting_options
from coprod_kg.cli.watch import difference_lines
from coprod_kg.client.remote import Remote
from coprod_kg.client.sources import BoundQuestion, Folder, found
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
    question = _question(settings, name, bound(params), options["url"])
    said = question.described
    if said["form"] != "SELECT":
        raise NotFound(f"the answer of {name} has no rows that could differ")
    later = question.newest() if options["after"] is None else options["after"]
    earlier = max(later - 1, 0) if options["before"] is None else options["before"]
    tables = []
    for number in (earlier, later):
        with question.asked(_JSON, None, number) as answer:
            tables.append(read_table(answer.read()))
    seen = compare(tables[0], tables[1], key_columns(tuple(said["key"]), *tables))
    form = options["form"] or ("text" if sys.stdout.isatty() else "csv")
    if form == "csv":
        click.echo(as_csv(seen, "\n"), nl=False)
    elif form == "json":
        whole = {"query": name, "from": earlier, "to": later, **document(seen)}
        click.echo(json.dumps(whole, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(_text(seen, said, (earlier, later))))


def _question(
    settings: Settings, name: str, values: Mapping[str, Sequence[str]], url: str | None
) -> BoundQuestion:
    if url:
        return BoundQuestion(Remote(url, settings.query_seconds), name, values)
    saved = known(settings, name)
    found(saved, name).bound_terms(values, settings.base_iri)  # a wrong value, before a store opens
    return BoundQuestion(Folder(settings, saved), name, values)


def _text(seen: Differences, said: Mapping[str, Any], span: tuple[int, int]) -> Iterator[str]:
    some = (("added", seen.added), ("removed", seen.removed), ("changed", seen.changed))
    counted = ", ".join(f"{len(rows)} {what}" for what, rows in some)
    yield f"{said['summary']} From version {span[0]} to {span[1]}: {counted}."
    names = {column["name"]: column["label"] for column in said["columns"]}
    yield from difference_lines(seen, names)
