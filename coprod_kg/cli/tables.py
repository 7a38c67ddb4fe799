"""Rows as aligned text for a terminal; no number is cut, no control character sent there."""

import shutil
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from textwrap import wrap
from unicodedata import combining, east_asian_width

from coprod_kg.namespaces import shorten
from coprod_kg.results.table import Cell, Table

__all__ = ["Look", "aligned", "labelled_columns", "legend", "readable", "terminal_width"]

_GAP = "  "
_LEAST = 12
"""Characters that a text is never cut below, and of a value that is never cut."""
_FOLDS = 3
"""Lines of a text before it is cut."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a table is to look.

    Attributes:
        base_iri: what is left out of the names of things.
        headings: column → what people call it; the column's name where it is missing.
        units: column → what its numbers count, where the heading says that at its end.
        width: the characters of a line, or None where a line may have any length.
        every: whether the column of an IRI is shown beside the column of its label.
    """

    base_iri: str
    headings: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    width: int | None = None
    every: bool = True


def readable(table: Table, look: Look) -> Iterator[str]:
    """The lines of an answer: a header and aligned rows, or a truth value.

    Where a line has no room for all, units and what is the same in every row are said below.
    """
    if table.truth is not None:
        yield "true" if table.truth else "false"
        return
    columns = _columns(table, look)
    if look.width is None or _whole([one.wanted for one in columns]) <= look.width:
        yield from _grid(columns, [one.wanted for one in columns])
        return
    same = [one for one in columns[1:] if one.constant and len(table.rows) > 1]
    others = [one for one in columns if one not in same]
    full = _whole([one.wanted for one in others]) <= look.width
    short = others if full else [replace(one, head=one.bare) for one in others]
    widths = _widths(short, look.width)
    if widths is None:
        yield from _apart(columns, look.width)
        return
    yield from _grid(short, widths)
    yield from (f"In every row, {one.head}: {one.cells[0]}" for one in same)
    yield from () if full else _units(others)


def legend(table: Table) -> str:
    """What an empty cell among numbers means; nothing where there is none."""
    numbers = _numbers(table)
    empty = any(name not in row for row in table.rows for name in numbers)
    return "An empty cell has no value; it is not a zero." if empty else ""


def aligned(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Collection[int] = (),
    width: int | None = None,
) -> Iterator[str]:
    """Lines of columns that are as wide as they need to be, or as fit.

    What does not fit is written one cell a line. Texts are folded, and cut with an ellipsis
    where they are very long; numbers, and what is as short as a date, never.

    Args:
        header: the names of the columns.
        rows: the cells.
        right: which columns hold numbers and so end at their right edge.
        width: the characters of a line; any number by default.

    >>> list(aligned(["stage", "n"], [["project", "7"]], [1]))
    ['stage    n', '-------  -', 'project  7']
    """
    columns = [
        _Column(_plain(name), tuple(_plain(row[place]) for row in rows), place in right)
        for place, name in enumerate(header)
    ]
    widths = [one.wanted for one in columns] if width is None else _widths(columns, width)
    yield from _apart(columns, width or 0) if widths is None else _grid(columns, widths)


def terminal_width() -> int | None:
    """The characters of a line of the terminal; None where the output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@dataclass(frozen=True, slots=True)
class _Column:
    """A column as it is shown."""

    head: str
    cells: tuple[str, ...]
    number: bool = False
    unit: str = ""

    @property
    def bare(self) -> str:
        """The heading without its unit."""
        return self.head.removesuffix(f" ({self.unit})")

    @property
    def longest(self) -> int:
        """The places that its cells take."""
        return max(map(_size, self.cells), default=0)

    @property
    def wanted(self) -> int:
        """The places that it takes where there is room."""
        return max(self.longest, _size(self.head))

    @property
    def constant(self) -> bool:
        """Whether it is a text that is the same in every row."""
        return not self.number and len(set(self.cells)) == 1 and bool(self.cells[0])


def _columns(table: Table, look: Look) -> list[_Column]:
    labelled = {} if look.every else labelled_columns(table.columns)
    things = {label: name for name, label in labelled.items()}
    numbers = _numbers(table)
    shown = [name for name in table.columns if name not in labelled]
    columns = []
    for name in shown:
        thing = things.get(name, name)
        cells = (_text(row.get(name) or row.get(thing), look.base_iri) for row in table.rows)
        head = look.headings.get(thing) or thing
        if thing.removesuffix("Label") not in shown:
            head = head.removesuffix(" (name)")  # it stands beside nothing that it could be
        unit = look.units.get(name, "")
        columns.append(_Column(_plain(head), tuple(cells), name in numbers, unit))
    return columns


def _widths(columns: Sequence[_Column], width: int) -> list[int] | None:
    """What each gets: all it needs, else a folded heading, else folded texts; None: no room."""
    wanted = [one.wanted for one in columns]
    if _whole(wanted) <= width:
        return wanted
    words = [max(map(_size, one.head.split()), default=1) for one in columns]
    most = [max(one.longest, word) for one, word in zip(columns, words, strict=True)]
    if _whole(most) <= width:
        return _grown(most, wanted, width)
    least = [
        max(word, one.longest if one.number else min(one.longest, _LEAST))
        for one, word in zip(columns, words, strict=True)
    ]
    return _grown(least, most, width) if _whole(least) <= width else None


def _grown(start: Sequence[int], goal: Sequence[int], width: int) -> list[int]:
    """The widths with what is left of the line given, place by place, to the narrowest."""
    widths = list(start)
    for _ in range(width - _whole(widths)):
        short = [place for place, size in enumerate(widths) if size < goal[place]]
        if not short:
            break
        widths[min(short, key=lambda place: widths[place])] += 1
    return widths


def _grid(columns: Sequence[_Column], widths: Sequence[int]) -> Iterator[str]:
    edges = [one.number for one in columns]
    heads = [wrap(one.head, size) for one, size in zip(columns, widths, strict=True)]
    high = max(map(len, heads), default=0)
    for line in zip(*([""] * (high - len(one)) + one for one in heads), strict=True):
        yield _line(line, widths, edges)
    yield _GAP.join("-" * size for size in widths)
    for row in zip(*(one.cells for one in columns), strict=True):
        parts = [_folded(*pair) for pair in zip(row, widths, strict=True)]
        for line in zip_longest(*parts, fillvalue=""):
            yield _line(line, widths, edges)


def _apart(columns: Sequence[_Column], width: int) -> Iterator[str]:
    """One cell a line, a row after another; empty cells are left out."""
    size = min(max((_size(one.head) for one in columns), default=0), width // 3)
    room = max(width - size - 2 * len(_GAP), _LEAST)
    for number, row in enumerate(zip(*(one.cells for one in columns), strict=True), start=1):
        if number > 1:
            yield ""
        yield f"row {number}"
        for column, cell in zip(columns, row, strict=True):
            for place, line in enumerate(wrap(cell, room, break_on_hyphens=False)):
                head = "" if place else _cut(column.head, size)
                yield f"{_GAP}{_padded(head, size)}{_GAP}{line}"


def _units(columns: Sequence[_Column]) -> Iterator[str]:
    """What was left out of the headings."""
    counted: dict[str, list[str]] = {}
    for one in columns:
        if one.bare != one.head:
            counted.setdefault(one.unit, []).append(one.bare)
    for unit, texts in counted.items():
        yield f"In {unit}: {', '.join(texts)}."


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    places = zip(cells, widths, right, strict=True)
    return _GAP.join(_padded(cell, size, edge) for cell, size, edge in places).rstrip()


def _padded(text: str, size: int, right: bool = False) -> str:
    space = " " * (size - _size(text))
    return space + text if right else text + space


def _whole(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _size(text: str) -> int:
    """How many places a text takes in a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(one) else 2 if east_asian_width(one) in ("W", "F") else 1 for one in text
    )


def _folded(text: str, size: int) -> list[str]:
    """A text on several lines of so many places, the later ones indented."""
    if _size(text) <= size:
        return [text]
    if _size(text) != len(text):
        return [_cut(text, size)]
    return wrap(text, size, subsequent_indent=_GAP, max_lines=_FOLDS, placeholder="…")


def _cut(text: str, size: int) -> str:
    if _size(text) <= size:
        return text
    while text and _size(text) > size - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _plain(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)


def labelled_columns(columns: Sequence[str]) -> dict[str, str]:
    """The columns that another one says in words."""
    return {name: f"{name}Label" for name in columns if f"{name}Label" in columns}


def _numbers(table: Table) -> list[str]:
    return [
        name
        for name in table.columns
        if any(name in row for row in table.rows)
        and all(row[name].is_number or row[name].is_suppressed for row in table.rows if name in row)
    ]


def _text(cell: Cell | None, base_iri: str) -> str:
    if cell is None:
        return ""
    value = cell.value
    if cell.kind == "uri":
        things = value.removeprefix(f"{base_iri}id/")
        known = things if things != value else shorten(value)
        value = known if known != value else value.removeprefix(base_iri)
    return _plain(value)
