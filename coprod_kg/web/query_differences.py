"""Route and page that compare the answers of a saved query over two versions of the data."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from flask import Blueprint, Response, g, jsonify, render_template, request

from coprod_kg.errors import LimitReached, NotFound
from coprod_kg.formats.media_types import HTML, ROWS
from coprod_kg.formats.table import Cell, Table, labelled_columns
from coprod_kg.queries.differences import Differences, Row, as_csv, compare, document, key_of
from coprod_kg.queries.labels import text_in
from coprod_kg.queries.library import SavedQuery
from coprod_kg.web.pages.table import DisplayCell, show, words
from coprod_kg.web.protocol import parameters, version
from coprod_kg.web.question import question_of, read_language, saved
from coprod_kg.web.replies import LATEST, PINNED, offers_among
from coprod_kg.web.site import Site

__all__ = [
    "add_routes",
    "compared",
]


_FORMATS: Final = (ROWS[0], ROWS[2], HTML)


def add_routes(routes: Blueprint, site: Site) -> None:
    """The route of differences."""
    routes.add_url_rule(
        "/queries/<name>/differences", endpoint="differences", view_func=partial(_differ, site)
    )


def _differ(site: Site, name: str) -> Response:
    query, given = saved(site, name), parameters(request)
    if query.form != "SELECT":
        raise NotFound(f"the answer of {name} has no rows that could differ")
    offer = offers_among(_FORMATS, given.one("format"))[0]
    fixed = site.is_pinned(given, "from", "to")
    after = version(given, "to")
    later = site.version() if after is None else after
    before = version(given, "from")
    earlier = max(later - 1, 0) if before is None else before
    tables = [_table(site, name, number) for number in (earlier, later)]
    found = compare(tables[0], tables[1], key_of(query, *tables))
    if offer.format == HTML:
        g.language = language = read_language(given)
        body = render_template(
            "differences.html",
            query=query,
            found=found,
            compared=compared(site, query, found, language),
            span=(earlier, later),
            labels_in=language,
        )
        response = Response(body, content_type=HTML.content_type)
    elif offer.format == ROWS[2]:
        response = Response(as_csv(found), content_type=offer.content_type)
    else:
        response = jsonify({"query": name, "from": earlier, "to": later, **document(found)})
    response.headers["Cache-Control"] = PINNED if fixed else LATEST
    response.headers["Dataset-Version"] = str(later)
    return response


def _table(site: Site, name: str, number: int) -> Table:
    question = question_of(site, site.queries[name], parameters(request), number, ("from", "to"))
    found = question.with_permitted_values().table()
    if found is None:
        raise LimitReached(
            f"the answer of version {number} is too large to be compared here",
            fix="Bind more parameters, or ask for a part of the rows with limit and offset.",
        )
    return found


@dataclass(frozen=True, slots=True)
class DifferencesView:
    """Differences on a page.

    Attributes:
        key: the columns that identify a row, as they are headed.
        lines: what happened, the key, the column, from, to; at most `MOST_LINES` of them.
        count: how many lines there are.
    """

    key: tuple[str, ...]
    lines: tuple[tuple[DisplayCell, ...], ...]
    count: int


MOST_LINES = 1000

_Pair = tuple[Cell | None, Cell | None]


def compared(
    site: Site, query: SavedQuery, found: Differences, language: str = ""
) -> DifferencesView:
    """One line for each cell that differs; a column ``xLabel`` is the text of the column ``x``.

    Args:
        site: says which IRIs have a page here.
        query: whose answers are compared.
        found: the differences.
        language: the reader's; empty for English.
    """
    called = {column.name: column.heading_in(language) for column in query.columns}
    headed = {name: called.get(name) or words(name) for name in found.columns}
    view = _View(site, found, headed, language)
    lines = list(view.lines())
    key = tuple(view.called[name] for name in view.key)
    return DifferencesView(key, tuple(lines[:MOST_LINES]), len(lines))


class _View:
    """The columns of some differences, with those that say another one in words apart."""

    def __init__(
        self, site: Site, found: Differences, called: dict[str, str], language: str
    ) -> None:
        self._site, self._found, self.called = site, found, called
        self._added, self._removed, self._changed = (
            text_in("added", language),
            text_in("removed", language),
            text_in("changed", language),
        )
        self._labels = labelled_columns(found.columns)
        texts = set(self._labels.values())
        self.key = [name for name in found.key if name not in texts]
        self._rest = [name for name in found.columns if name not in texts and name not in self.key]

    def lines(self) -> Iterator[tuple[DisplayCell, ...]]:
        """Each line, rows that were added first."""
        for row in self._found.added:
            yield from self._whole(self._added, row, added=True)
        for row in self._found.removed:
            yield from self._whole(self._removed, row, added=False)
        for change in self._found.changed:
            for name in self._rest:
                label = self._labels.get(name, "")
                if name not in change.cells and label not in change.cells:
                    continue
                value, text = (
                    change.cells.get(at) or (change.row.get(at),) * 2 for at in (name, label)
                )
                yield self._line(self._changed, change.row, name, (value, text))

    def _whole(self, what: str, row: Row, *, added: bool) -> Iterator[tuple[DisplayCell, ...]]:
        for name in self._rest:
            cells = (row.get(name), row.get(self._labels.get(name, "")))
            pairs = [(None, cell) if added else (cell, None) for cell in cells]
            yield self._line(what, row, name, (pairs[0], pairs[1]))
        if not self._rest:
            yield (DisplayCell(what), *self._who(row), *(DisplayCell(""),) * 3)

    def _line(
        self, what: str, row: Row, name: str, cells: tuple[_Pair, _Pair]
    ) -> tuple[DisplayCell, ...]:
        value, text = cells
        sides = (show(self._site, value[side], text[side]) for side in (0, 1))
        return (DisplayCell(what), *self._who(row), DisplayCell(self.called[name]), *sides)

    def _who(self, row: Row) -> Iterator[DisplayCell]:
        for name in self.key:
            yield show(self._site, row.get(name), row.get(self._labels.get(name, "")))
