"""The search: names of organisations, initiatives, barriers, enablers, places and questions."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urljoin

from flask import Response

from coprod_kg.formats.table import Cell
from coprod_kg.queries.labels import concepts
from coprod_kg.web.address import root
from coprod_kg.web.explorer.languages import catalogue
from coprod_kg.web.explorer.page import Page
from coprod_kg.web.name_index import Entry
from coprod_kg.web.names import names

__all__ = ["Hit", "search", "suggest"]

_SHOWN: Final = 30
_SUGGESTED: Final = 8
_FILTERS: Final = ("stage", "sector", "country", "role")
"""Concepts without a page of their own: they restrict the board."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found.

    Attributes:
        kind: what it is: ``organisation``, ``initiative``, ``barrier`` … ``question``.
        name: its name in the reader's language.
        link: its page.
        found: the name or definition by which it was found, where that is another text.
    """

    kind: str
    name: Cell
    link: str
    found: Cell | None


def search(page: Page) -> Response:
    """The page with what was found."""
    text, found = _found(page)
    hits = _hits(page, found[:_SHOWN])
    return page.render(
        "explorer/search.html", scripted=True, text=text, hits=hits, count=len(found)
    )


def suggest(page: Page) -> Response:
    """The best of what would be found, for the list below the box.

    With ``kind=organisation`` only organisations, each leading to the comparison with those given.
    """
    kinds = catalogue(page.language)
    found = _found(page)[1]
    comparing = page.given.one("kind") == "organisation"
    if comparing:
        found = [entry for entry in found if entry.kind == "organisation"]
    hits = _hits(page, found[:_SUGGESTED])
    if comparing:
        links = (_compared(page, entry.iri) for entry in found)
        hits = [replace(hit, link=link) for hit, link in zip(hits, links, strict=False)]
    return page.as_json(
        [
            {
                "name": hit.name.value,
                "language": hit.name.language if hit.name.language != page.language else None,
                "kind": kinds.get(hit.kind, (hit.kind,))[0],
                "link": urljoin(root(), f".{hit.link}" if hit.link.startswith("/") else hit.link),
            }
            for hit in hits
        ]
    )


def _compared(page: Page, organisation: str) -> str:
    """The comparison of the organisations that the address names with one more."""
    given = page.given.all("organisation")
    slug = organisation.removeprefix(page.iri("organisation", ""))
    return page.to("/compare", organisation=dict.fromkeys((*given, slug)))


def _found(page: Page) -> tuple[str, list[Entry]]:
    """The text that is looked for, and all that it finds."""
    text = (page.given.one("q") or "").strip()[:200]
    return text, [match.entry for match in names(page.site, page.version).find(text)]


def _hits(page: Page, found: list[Entry]) -> list[Hit]:
    things = [entry.iri for entry in found if entry.kind in ("organisation", "initiative")]
    named = page.names(things)
    return [_hit(page, entry, named.get(entry.iri)) for entry in found]


def _hit(page: Page, entry: Entry, name: Cell | None) -> Hit:
    text = Cell("literal", entry.text, entry.language)
    if entry.kind == "question":
        asked, language = page.site.queries[entry.iri].asked_in(page.language)
        found = text if text.value != asked else None
        return Hit(entry.kind, Cell("literal", asked, language), page.link(entry.iri), found)
    concept = concepts().get(entry.iri)
    if concept:
        name = Cell("literal", concept.label(page.language), page.language)
    chosen = name or text
    link = (
        page.to("/board", **{entry.kind: concept.slug})
        if concept and entry.kind in _FILTERS
        else page.place(entry.iri) or entry.iri
    )
    return Hit(entry.kind, chosen, link, text if text.value != chosen.value else None)
