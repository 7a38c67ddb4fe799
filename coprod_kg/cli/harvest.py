"""``coprod-kg harvest``: another service's data, as any other submission."""

import json
from collections.abc import Callable

import click

from coprod_kg.cli.context import setting_options
from coprod_kg.client.fetching import fetcher
from coprod_kg.client.sources import open_store
from coprod_kg.errors import StoreUnavailable
from coprod_kg.ingest.harvest import harvest
from coprod_kg.ingest.harvest_sources import (
    CatalogueSource,
    DumpSource,
    EndpointSource,
    HarvestSource,
)
from coprod_kg.ingest.report.text import as_text
from coprod_kg.ingest.reported import as_table, reported
from coprod_kg.ingest.submit import SubmitOptions
from coprod_kg.settings import Settings

__all__ = ["harvest_command"]

_MAKING = 1800.0
"""Seconds in which a service makes a dump that nobody asked for yet."""


def _endpoint(address: str, seconds: float) -> HarvestSource:
    # it brings rdflib along, which takes half a second to load
    from coprod_kg.client.fetching import constructor

    return EndpointSource(address, constructor(seconds))


_SOURCES: dict[str, Callable[[str, float], HarvestSource]] = {
    "catalogue": lambda address, seconds: CatalogueSource(address, fetcher(seconds)),
    "dump": lambda address, seconds: DumpSource(address, fetcher(max(seconds, _MAKING))),
    "sparql": _endpoint,
}


@click.command("harvest", epilog="Example: coprod-kg harvest https://data.example.org --dry-run")
@setting_options(
    "data",
    "base_iri",
    "query_seconds",
    "submission_seconds",
    "submission_memory_mb",
    "body_mb",
    "days_ahead",
)
@click.argument("url", metavar="URL")
@click.option(
    "--from",
    "face",
    type=click.Choice(["catalogue", "dump", "sparql"]),
    default="catalogue",
    show_default=True,
    help="What URL is: a service or its catalogue, a dump of a version, a SPARQL endpoint.",
)
@click.option("--dry-run", is_flag=True, help="Do everything but the commit.")
@click.option("--smaller", is_flag=True, help="Believe a source that has much less than before.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def harvest_command(
    settings: Settings, *, url: str, face: str, dry_run: bool, smaller: bool, as_json: bool
) -> None:
    """Take in what another service publishes on organisations.

    Its catalogue is read page by page; the file of each organisation is compared with what the
    catalogue says of it and submitted like any other file, with the source and its licence. From a
    dump or an endpoint each organisation's graph is taken, and compared with what the description
    in it says. A source that is broken, shrunken or not what it says changes nothing.

    Exit codes: 0 all accepted, 1 the source or a file was refused, 3 nothing answers there.
    """
    source = _SOURCES[face](url, settings.query_seconds)
    if not fetcher(settings.query_seconds)("HEAD", source.service, "*/*").status:
        place = source.service
        raise StoreUnavailable(f"nothing answers at {place}", fix="Give the address of a service.")
    with open_store(settings, create=not dry_run) as store:
        options = SubmitOptions(dry_run=dry_run)
        outcomes = harvest(source, store, settings, options, smaller=smaller)
    if as_json:
        click.echo(json.dumps(as_table(outcomes), indent=2, ensure_ascii=False))
    else:
        click.echo(as_text(reported(outcomes), settings.base_iri, dry_run=dry_run))
    if any(outcome.error for outcome in outcomes):
        raise click.exceptions.Exit(1)
