"""``coprod-kg versions`` and ``tag``: which versions of the data can be asked."""

import json

import click

from coprod_kg.cli.context import pass_settings
from coprod_kg.client.sources import open_store
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.snapshots import Snapshots

__all__ = ["tag", "versions"]

_VERSIONS = """
PREFIX dcat: <http://www.w3.org/ns/dcat#>
PREFIX prov: <http://www.w3.org/ns/prov#>
SELECT ?version ?time WHERE {
  ?node dcat:version ?version ; prov:generatedAtTime ?time .
}
ORDER BY ?version
"""


@click.command(epilog="Example: coprod-kg versions --json")
@pass_settings
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def versions(settings: Settings, *, as_json: bool) -> None:
    """List the versions of the data, and which of them can still be asked."""
    with open_store(settings) as store:
        answer = store.query(Query(_VERSIONS, ("application/sparql-results+json",))).read()
        kept_versions = set(store.versions())
    names = Snapshots(DataDirectory(settings.data).snapshots).tags()
    rows = [
        {
            "version": int(row["version"]["value"]),
            "time": row["time"]["value"],
            "kept": int(row["version"]["value"]) in kept_versions,
            "names": [
                name for name, version in names.items() if str(version) == row["version"]["value"]
            ],
        }
        for row in json.loads(answer)["results"]["bindings"]
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        names_shown = [*row["names"], *([] if row["kept"] else ["(not kept)"])]
        click.echo(f"{row['version']:>7}  {row['time']}  {', '.join(names_shown)}".rstrip())


@click.command(epilog="Example: coprod-kg tag 12 2026-11")
@pass_settings
@click.argument("version", type=int, metavar="N")
@click.argument("name")
def tag(settings: Settings, version: int, name: str) -> None:
    """Give a version of the data a name, so that it can always be asked."""
    with open_store(settings):
        Snapshots(DataDirectory(settings.data).snapshots).tag(version, name)
    click.echo(f"Version {version} is {name}.")
