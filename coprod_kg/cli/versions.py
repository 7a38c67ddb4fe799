"""``coprod-kg versions``: which versions of the data can be asked."""

import json

import click

from coprod_kg.cli.context import opened, pass_settings
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query

__all__ = ["versions"]

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
    with opened(settings) as store:
        answer = store.query(Query(_VERSIONS, ("application/sparql-results+json",))).read()
        kept = set(store.versions())
    rows = [
        {
            "version": int(row["version"]["value"]),
            "time": row["time"]["value"],
            "kept": int(row["version"]["value"]) in kept,
        }
        for row in json.loads(answer)["results"]["bindings"]
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(
            f"{row['version']:>7}  {row['time']}  {'' if row['kept'] else '(not kept)'}".rstrip()
        )
