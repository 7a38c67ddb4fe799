"""Layout of aligned columns of text for a terminal of a given width."""

import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from textwrap import wrap
from unicodedata import combining, east_asian_width

__all__ = [
    "TextColumn",
    "aligned",
    "cell_per_line",
    "fitted",
    "grid",
    "line_length",
    "plain",
    "terminal_width",
]

_GAP = "  "
_LEAST = 12
"""The least width of a column of texts; a text that is no longer than this is never cut."""
_FOLDS = 3
"""How many lines a text is folded to at most before it is cut."""


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
        TextColumn(plain(name), tuple(plain(row[index]) for row in rows), index in right)
        for index, name in enumerate(header)
    ]
    widths = [column.full_width for column in columns] if width is None else fitted(columns, width)
    yield from cell_per_line(columns, width or 0) if widths is None else grid(columns, widths)


def terminal_width() -> int | None:
    """The characters of a line of the terminal; None where the output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column as it is shown.

    Attributes:
        head: its heading.
        cells: its texts, one a row.
        number: whether they are numbers and so end at its right edge.
        unit: what the heading says in brackets at its end, or empty.
    """

    head: str
    cells: tuple[str, ...]
    number: bool = False
    unit: str = ""

    @property
    def bare_head(self) -> str:
        """The heading without its unit."""
        return self.head.removesuffix(f" ({self.unit})")

    @property
    def longest(self) -> int:
        """The width of its longest cell, in terminal cells."""
        return max(map(_size, self.cells), default=0)

    @property
    def full_width(self) -> int:
        """The width that it takes where there is room."""
        return max(self.longest, _size(self.head))

    @property
    def constant(self) -> bool:
        """Whether it is a text that is the same in every row."""
        return not self.number and len(set(self.cells)) == 1 and bool(self.cells[0])


def fitted(columns: Sequence[TextColumn], width: int) -> list[int] | None:
    """The width of each column, or None where they do not fit side by side.

    Tried in this order: as wide as they need; headings folded at their words; texts folded, too.
    """
    full_widths = [column.full_width for column in columns]
    if line_length(full_widths) <= width:
        return full_widths
    words = [max(map(_size, column.head.split()), default=1) for column in columns]
    folded_heads = [max(column.longest, word) for column, word in zip(columns, words, strict=True)]
    if line_length(folded_heads) <= width:
        return _widened(folded_heads, full_widths, width)
    least_widths = [
        max(word, column.longest if column.number else min(column.longest, _LEAST))
        for column, word in zip(columns, words, strict=True)
    ]
    return (
        _widened(least_widths, folded_heads, width) if line_length(least_widths) <= width else None
    )


def _widened(start: Sequence[int], goal: Sequence[int], width: int) -> list[int]:
    """The widths with what is left of the line given, place by place, to the narrowest."""
    widths = list(start)
    for _ in range(width - line_length(widths)):
        growing = [index for index, size in enumerate(widths) if size < goal[index]]
        if not growing:
            break
        widths[min(growing, key=lambda index: widths[index])] += 1
    return widths


def grid(columns: Sequence[TextColumn], widths: Sequence[int]) -> Iterator[str]:
    """The lines of a table whose columns are so wide."""
    edges = [column.number for column in columns]
    heads = [wrap(column.head, size) for column, size in zip(columns, widths, strict=True)]
    high = max(map(len, heads), default=0)
    # A heading of fewer lines stands at the bottom, next to the rule.
    for line in zip(*([""] * (high - len(head)) + head for head in heads), strict=True):
        yield _line(line, widths, edges)
    yield _GAP.join("-" * size for size in widths)
    for row in zip(*(column.cells for column in columns), strict=True):
        parts = [_folded(*pair) for pair in zip(row, widths, strict=True)]
        for line in zip_longest(*parts, fillvalue=""):
            yield _line(line, widths, edges)


def cell_per_line(columns: Sequence[TextColumn], width: int) -> Iterator[str]:
    """One cell a line, a row after another; empty cells are left out."""
    size = min(max((_size(column.head) for column in columns), default=0), width // 3)
    room = max(width - size - 2 * len(_GAP), _LEAST)
    for number, row in enumerate(zip(*(column.cells for column in columns), strict=True), start=1):
        if number > 1:
            yield ""
        yield f"row {number}"
        for column, cell in zip(columns, row, strict=True):
            for line_index, line in enumerate(wrap(cell, room, break_on_hyphens=False)):
                head = "" if line_index else _cut(column.head, size)
                yield f"{_GAP}{_padded(head, size)}{_GAP}{line}"


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    columns = zip(cells, widths, right, strict=True)
    return _GAP.join(_padded(cell, size, edge) for cell, size, edge in columns).rstrip()


def _padded(text: str, size: int, right: bool = False) -> str:
    space = " " * (size - _size(text))
    return space + text if right else text + space


def line_length(widths: Sequence[int]) -> int:
    """The length of a line of columns of these widths, with the gaps between them."""
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _size(text: str) -> int:
    """The width of a text in terminal cells."""
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(character) else 2 if east_asian_width(character) in ("W", "F") else 1
        for character in text
    )


def _folded(text: str, size: int) -> list[str]:
    """A text on several lines of a width, the later ones indented."""
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


def plain(text: str) -> str:
    """A text without control characters, which a terminal would obey."""
    return "".join(character if character.isprintable() else " " for character in text)
