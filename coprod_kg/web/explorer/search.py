"""The search: names of organisations, initiatives, barriers, enablers, places and questions."""

from dataclasses import dataclass
from typing import Final

from flask import Response

from coprod_kg.formats.table import Cell
from coprod_kg.web.explorer.labels import concepts
from coprod_kg.web.explorer.page import Page
from coprod_kg.web.name_index import Entry
from coprod_kg.web.names import names
from coprod_kg.web.site import Site

__all__ = ["Hit", "search"]

_SHOWN: Final = 30
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


def search(site: Site, language: str) -> Response:
    """The page with what was found."""
    page = Page(site, language)
    unchanged = page.unchanged()
    if unchanged is not None:
        return unchanged
    text = (page.given.one("q") or "").strip()[:200]
    found = [match.entry for match in names(site, page.version).find(text)]
    hits = _hits(page, found[:_SHOWN])
    return page.render("explorer/search.html", text=text, hits=hits, count=len(found))


def _hits(page: Page, found: list[Entry]) -> list[Hit]:
    things = [entry.iri for entry in found if entry.kind in ("organisation", "initiative")]
    named = page.names(things)
    return [_hit(page, entry, named.get(entry.iri)) for entry in found]


def _hit(page: Page, entry: Entry, name: Cell | None) -> Hit:
    text = Cell("literal", entry.text, entry.language)
    if entry.kind == "question":
        return Hit(entry.kind, text, page.link(entry.iri), None)
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
