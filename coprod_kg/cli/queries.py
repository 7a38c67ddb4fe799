"""``coprod-kg queries``: the saved queries listed and found; it asks none of them."""

import json

import click

from coprod_kg.catalogue.finding import find
from coprod_kg.catalogue.queries import load_all
from coprod_kg.cli.completion import complete_tag
from coprod_kg.cli.context import setting_options
from coprod_kg.cli.remote import Remote
from coprod_kg.settings import Settings

__all__ = ["queries"]


@click.command(epilog="Example: coprod-kg queries barrier --tag stage")
@setting_options("queries")
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
def queries(
    settings: Settings,
    *,
    words: tuple[str, ...],
    tags: tuple[str, ...],
    url: str | None,
    as_json: bool,
) -> None:
    """List the saved queries, each with the question it answers.

    WORDs list only those that hold all of them: in the name, the question, the description, the
    tags, the parameters or the columns.
    """
    wanted = " ".join(words)
    if url:
        found = Remote(url, settings.query_seconds).queries(wanted, tags)
        total = ""
    else:
        known = load_all(settings.queries)
        found = [one.described() for one in find(known.values(), wanted, tags)]
        total = f" of {len(known)}"
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    width = max((len(str(one["name"])) for one in found), default=0)
    for one in found:
        click.echo(f"{one['name']:<{width}}  {one['summary']}")
    if words or tags:
        click.echo(f"({len(found)}{total} questions)", err=True)
