"""``coprod-kg release``: a named version as the archive that a data repository takes."""

import io
import json
from pathlib import Path

import click

from coprod_kg.access import Private, hidden
from coprod_kg.cli.context import pass_settings
from coprod_kg.client.sources import open_store
from coprod_kg.errors import NotFound
from coprod_kg.publishing.release import Release, agreement_tables, archive
from coprod_kg.queries.library import load_all
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.dump import dump
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.views import Views

__all__ = ["release"]

_MADE = """
PREFIX dcat: <http://www.w3.org/ns/dcat#>
PREFIX prov: <http://www.w3.org/ns/prov#>
SELECT ?time WHERE {{ ?node dcat:version ?version ; prov:generatedAtTime ?time .
  FILTER(STR(?version) = "{version}") }}
"""


@click.command(epilog="Example: coprod-kg release 2026-11 --output coprod-2026-11.zip")
@pass_settings
@click.argument("name")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write to this file.")
def release(settings: Settings, name: str, output: Path | None) -> None:
    """Write the archive of the version NAME that a data repository takes.

    It holds a dump, a table for each kind of thing, the saved queries, the ontology, the codebook,
    metadata and checksums; the same bytes each time. What is private is left out. `tag` names a
    version.
    """
    snapshots = Snapshots(DataDirectory(settings.data).snapshots)
    if name not in snapshots.tags():
        raise NotFound(
            f"no version of the data is called {name!r}",
            fix="Name one: coprod-kg tag N NAME. coprod-kg versions lists them.",
        )
    version = snapshots.tags()[name]
    with open_store(settings) as store:
        query = Query(_MADE.format(version=version), ("application/sparql-results+json",))
        rows = json.loads(store.query(query).read())["results"]["bindings"]
        quads = io.BytesIO()
        private = hidden(Private(settings.data).organisations(), settings.base_iri)
        reader = Views(snapshots, settings.base_iri).open(version, private)
        agreed = agreement_tables(reader)
        dump(reader, "nquads", quads)
    time = rows[0]["time"]["value"] if rows else ""
    path = output or Path(f"coprod-{name}.zip")
    queries = {key: query.text for key, query in load_all(settings.queries).items()}
    contents = Release(name, version, time, settings.base_iri, quads.getvalue(), agreed, queries)
    path.write_bytes(archive(contents))
    click.echo(f"Version {version}, {name}, is written to {path}.")
