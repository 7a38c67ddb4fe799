"""``coprod-kg queries``: the saved queries listed and found; it asks none of them."""

import json
from collections.abc import Mapping, Sequence

import click

from coprod_kg.catalogue.queries import load_all
from coprod_kg.cli.context import setting_options
from coprod_kg.cli.remote import Remote
from coprod_kg.settings import Settings

__all__ = ["queries"]


@click.command(epilog="Example: coprod-kg queries barrier --tag stage")
@setting_options("queries")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only with this tag; repeat.")
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

    WORDs list only those whose name, question, description or tags hold all of them.
    """
    known = (
        Remote(url, settings.query_seconds).queries()
        if url
        else [one.described() for one in load_all(settings.queries).values()]
    )
    found = [one for one in known if _fits(one, words, tags)]
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    width = max((len(str(one["name"])) for one in found), default=0)
    for one in found:
        click.echo(f"{one['name']:<{width}}  {one['summary']}")
    if len(found) < len(known):
        click.echo(f"({len(found)} of {len(known)} questions)", err=True)


def _fits(one: Mapping[str, object], words: Sequence[str], tags: Sequence[str]) -> bool:
    own = one["tags"] if isinstance(one["tags"], Sequence) else ()
    text = " ".join(str(one[key]) for key in ("name", "summary", "description"))
    text = f"{text} {' '.join(own)}".casefold()
    return set(tags) <= set(own) and all(word.casefold() in text for word in words)
