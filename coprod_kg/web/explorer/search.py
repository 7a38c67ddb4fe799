"""The search: names of organisations, initiatives, barriers, enablers, places and questions."""

from dataclasses import dataclass
from typing import Final

from flask import Response, request

from coprod_kg.errors import LimitReached
from coprod_kg.formats.media_types import ROWS
from coprod_kg.formats.table import Cell, read_table
from coprod_kg.queries.ask import Question, taken
from coprod_kg.web.explorer.labels import concepts
from coprod_kg.web.explorer.page import Page
from coprod_kg.web.explorer.search_index import Entry, SearchIndex
from coprod_kg.web.request_log import request_log
from coprod_kg.web.site import VOCABULARY, Site

__all__ = ["Hit", "Searcher"]

_MOST_BYTES: Final = 64 << 20
_SHOWN: Final = 30
_FILTERS: Final = ("stage", "sector", "country")
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


class Searcher:
    """The search page, with the index of the newest version that was searched."""

    def __init__(self, site: Site) -> None:
        """Nothing is read before the first search."""
        self._site = site
        self._kept: tuple[tuple[object, ...], SearchIndex] | None = None

    def __call__(self, language: str) -> Response:
        """The page with what was found."""
        page = Page(self._site, language)
        unchanged = page.unchanged()
        if unchanged is not None:
            return unchanged
        text = (page.given.one("q") or "").strip()[:200]
        found = self._index(page).find(text)
        hits = _hits(page, found[:_SHOWN])
        return page.render("explorer/search.html", text=text, hits=hits, count=len(found))

    def _index(self, page: Page) -> SearchIndex:
        key = (page.version, request_log(request).hidden, self._site.queries.mark())
        kept = self._kept
        if kept is None or kept[0] != key:
            kept = key, SearchIndex(_entries(page))
            self._kept = kept
        return kept[1]


def _entries(page: Page) -> list[Entry]:
    site = page.site
    question = Question(site.endpoint, site.views["view-names"], {}, page.version)
    data = taken(question.answer((ROWS[0].media_type,)), _MOST_BYTES)
    if data is None:
        raise LimitReached("there are more names than the search can hold")
    entries = [
        Entry(
            row["thing"].value,
            _kind(page, row["thing"].value),
            row["name"].value,
            row["name"].language,
            float(row["weight"].value),
        )
        for row in read_table(data).rows
    ]
    questions = site.queries.values()
    entries += [Entry(query.name, "question", query.summary, "en", 0.8) for query in questions]
    return [entry for entry in entries if entry.kind]


def _kind(page: Page, iri: str) -> str:
    base = f"{page.site.settings.base_iri}id/"
    for start in (base, VOCABULARY):
        if iri.startswith(start):
            return iri.removeprefix(start).partition("/")[0]
    return "country" if iri in concepts() else ""


def _hits(page: Page, found: list[Entry]) -> list[Hit]:
    things = [entry.iri for entry in found if entry.kind in ("organisation", "initiative")]
    names = page.names(things)
    return [_hit(page, entry, names.get(entry.iri)) for entry in found]


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
