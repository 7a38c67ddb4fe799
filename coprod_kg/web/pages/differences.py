"""Differences between two answers as a table for a page, labels as links."""

from collections.abc import Iterator
from dataclasses import dataclass

from coprod_kg.formats.table import Cell, labelled_columns
from coprod_kg.queries.differences import Differences, Row
from coprod_kg.queries.labels import text_in
from coprod_kg.queries.library import SavedQuery
from coprod_kg.web.pages.table import DisplayCell, show, words
from coprod_kg.web.site import Site

__all__ = ["DifferencesView", "compared"]


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
