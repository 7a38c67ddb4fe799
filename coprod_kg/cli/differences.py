"""``coprod-kg differences``: what a saved query answers otherwise in another version."""

from typing import Final

import click

from coprod_kg.answering import run_saved
from coprod_kg.catalogue.queries import load_all
from coprod_kg.citing.comparing import as_csv, compare, key_of
from coprod_kg.cli.context import opened, setting_options
from coprod_kg.errors import NotFound
from coprod_kg.results.formats import ROWS
from coprod_kg.results.table import read_table
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query

__all__ = ["differences"]

_JSON: Final = (ROWS[0].media_type,)


@click.command(epilog="Example: coprod-kg differences initiatives-by-stage --from 3 --to 7")
@setting_options("data", "base_iri", "query_seconds", "service_allow", "queries")
@click.argument("name")
@click.option("--from", "before", type=int, metavar="N", help="The earlier version.")
@click.option("--to", "after", type=int, metavar="N", help="The later version.")
def differences(settings: Settings, *, name: str, before: int | None, after: int | None) -> None:
    """Show what the saved query NAME answers otherwise in another version, as CSV.

    Without versions: between the newest and the one before it.
    """
    known = load_all(settings.queries)
    if name not in known or known[name].form != "SELECT":
        raise NotFound(
            f"there is no saved query {name!r} that answers in rows",
            fix="coprod-kg queries lists them all.",
        )
    tables = []
    with opened(settings) as store:
        later = store.version() if after is None else after
        earlier = max(later - 1, 0) if before is None else before
        for number in (earlier, later):
            asking = Query("", _JSON, version=number, seconds=settings.query_seconds)
            tables.append(read_table(run_saved(store, known[name], {}, asking, settings).read()))
    found = compare(tables[0], tables[1], key_of(known[name], *tables))
    click.echo(as_csv(found, "\n"), nl=False)
