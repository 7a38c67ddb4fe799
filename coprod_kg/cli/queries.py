"""``coprod-kg queries``: the saved queries listed, found, added and removed."""

import json
from pathlib import Path

import click

from coprod_kg.cli.collected import add, remove, saved_queries
from coprod_kg.cli.completion import complete_tag
from coprod_kg.cli.context import setting_options
from coprod_kg.client.remote import Remote
from coprod_kg.errors import WrongUsage
from coprod_kg.queries.library import find
from coprod_kg.settings import Settings

__all__ = ["queries"]


@click.command(epilog="Example: coprod-kg queries barrier --tag stage")
@setting_options("data", "base_iri", "queries")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="TAG",
    help="Only with this tag; repeat.",
    shell_complete=complete_tag,
)
@click.option("--url", metavar="URL", help="Ask the running service at this address.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--add",
    "added",
    multiple=True,
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Submit this question or chart, or a folder of them; repeat.",
)
@click.option(
    "--remove", "removed", multiple=True, metavar="NAME", help="Remove a submitted one; repeat."
)
def queries(
    settings: Settings,
    *,
    words: tuple[str, ...],
    tags: tuple[str, ...],
    url: str | None,
    as_json: bool,
    added: tuple[Path, ...],
    removed: tuple[str, ...],
) -> None:
    """List the saved queries, each with the question it answers.

    WORDs list only those that hold all of them: in the name, the question, the description, the
    tags, the parameters or the columns. Questions that were submitted are among them; --add
    and --remove change those of the data directory, as the service does over HTTP.
    """
    if added or removed:
        _change(settings, added, removed, url)
        return
    search = " ".join(words)
    if url:
        entries = Remote(url, settings.query_seconds).queries(search, tags)
        total = ""
    else:
        all_of_them = saved_queries(settings)
        entries = [query.described() for query in find(all_of_them.values(), search, tags)]
        total = f" of {len(all_of_them)}"
    if as_json:
        click.echo(json.dumps(entries, indent=2, ensure_ascii=False))
        return
    width = max((len(str(query["name"])) for query in entries), default=0)
    for query in entries:
        click.echo(f"{query['name']:<{width}}  {query['summary']}")
    if words or tags:
        click.echo(f"({len(entries)}{total} questions)", err=True)


def _change(
    settings: Settings, added: tuple[Path, ...], removed: tuple[str, ...], url: str | None
) -> None:
    if url:
        raise WrongUsage(
            "--add and --remove change the data directory, not a service elsewhere",
            where="--url",
            fix=f"Send the file by PUT: curl -T FILE -H 'Authorization: Bearer TOKEN' "
            f"{url.rstrip('/')}/queries/",
        )
    remove(removed, settings)
    for path, commit in add(added, settings) if added else ():
        note = f"in version {commit.version}" if commit else "is there already"
        click.echo(f"{path} {note}")
