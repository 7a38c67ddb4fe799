"""``coprod-kg private``: organisations whose data only they and curators see."""

import click

from coprod_kg.access import Private
from coprod_kg.cli.context import setting_options
from coprod_kg.queries.runs.ledger import RunLedger
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.local import connect

__all__ = ["private"]


@click.command(
    epilog="Example: coprod-kg private comune-di-bologna, and back: "
    "coprod-kg private comune-di-bologna --off"
)
@setting_options("data", "base_iri")
@click.argument("organisation", required=False)
@click.option("--off", is_flag=True, help="Make its data public again.")
def private(settings: Settings, organisation: str | None, *, off: bool) -> None:
    """Hide the data of ORGANISATION from all but its own token and curators', or list the hidden.

    It counts at once and for every version. ORGANISATION is the last part of its IRI.
    """
    DataDirectory(settings.data).check_there()
    if organisation is None:
        for name in Private(settings.data).organisations():
            click.echo(name)
        return
    has_changed = Private(settings.data).mark(organisation, private=not off)
    if has_changed:
        RunLedger(settings.data).forget()
    already = "" if has_changed else " already"
    click.echo(f"The data of {organisation} is{already} {'public' if off else 'private'}.")
    if not off and not _has_data(organisation, settings):
        click.echo("There is none in the store yet; it will be private when it comes.", err=True)


def _has_data(organisation: str, settings: Settings) -> bool:
    graph = f"{settings.base_iri}graph/organisation/{organisation}"
    with connect(settings) as store:
        query = Query(f"ASK {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}", ("text/csv",))
        return b"true" in store.query(query).read()
