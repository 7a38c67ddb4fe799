"""Layout of diagrams: boxes on a grid and straight arrows between them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final

__all__ = ["Arrow", "Box", "Relation", "arrows", "box"]

_MARGIN: Final = 12
_COLUMN: Final = 380  # from the left edge of a box to that of the next
_WIDTH: Final = 210
_ROW: Final = 64  # from the upper edge of a box to that of the next
_HEIGHT: Final = 46
_TIP: Final = 2  # between the point of an arrow and its box


@dataclass(frozen=True, slots=True)
class Box:
    """A class in a picture.

    Attributes:
        name: its local name, or its short name if it is from elsewhere.
        iri: its name in full.
        label: what it is called.
        titles: the same in lines that fit.
        lines: what is written below that.
        style: class, defined, concept or outside.
        definition: one sentence, shown as a tooltip.
        x: left edge.
        y: upper edge.
        width: of it.
        height: of it.
    """

    name: str
    iri: str
    label: str
    titles: tuple[str, ...]
    lines: tuple[str, ...]
    style: str
    definition: str
    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The lower edge."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Relation:
    """A property, or a subclass axiom, that leads from one class to another.

    Attributes:
        source: the name of the class that has it.
        target: the name of the class it leads to.
        label: of the property; "kind of" between a class and a wider one.
        iri: of the property, or nothing.
        inverse: the label of the property that leads back, or nothing.
    """

    source: str
    target: str
    label: str
    iri: str = ""
    inverse: str = ""


@dataclass(frozen=True, slots=True)
class Arrow:
    """A straight line from the edge of one box to the edge of another.

    Attributes:
        relation: what it stands for.
        x1: where it begins.
        y1: where it begins.
        x2: where its point is.
        y2: where its point is.
    """

    relation: Relation
    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def level(self) -> bool:
        """Whether it is horizontal, so that its label stands above it and not beside it."""
        return self.y1 == self.y2

    @property
    def middle(self) -> tuple[int, int]:
        """Where its label belongs."""
        return (self.x1 + self.x2) // 2, (self.y1 + self.y2) // 2


def box(place: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Left, top, width and height of a box, in pixels.

    Args:
        place: its first column and row in the grid, and how many of each it takes.
    """
    column, row, columns, rows = place
    return (
        _MARGIN + column * _COLUMN,
        _MARGIN + row * _ROW,
        (columns - 1) * _COLUMN + _WIDTH,
        (rows - 1) * _ROW + _HEIGHT,
    )


def arrows(boxes: Mapping[str, Box], relations: Iterable[Relation]) -> Iterator[Arrow]:
    """An arrow for each relation; those between the same two boxes lie side by side."""

    def pair(relation: Relation) -> tuple[str, ...]:
        return tuple(sorted((relation.source, relation.target)))

    # A line without a label comes first, so that the labels of the others have the room.
    ordered = sorted(
        relations, key=lambda relation: (pair(relation), relation.iri != "", relation.label)
    )
    for _, several in groupby(ordered, key=pair):
        lanes = list(several)
        for place, relation in enumerate(lanes, start=1):
            yield _arrow(
                boxes[relation.source], boxes[relation.target], relation, place / (len(lanes) + 1)
            )


def _arrow(source: Box, target: Box, relation: Relation, share: float) -> Arrow:
    """A horizontal line where the boxes share some height, a vertical one where some width.

    Args:
        source: the box where it begins.
        target: the box where it ends.
        relation: what it stands for.
        share: where in the shared height or width it lies, from 0 to 1.
    """
    top, bottom = max(source.y, target.y), min(source.bottom, target.bottom)
    left, right = max(source.x, target.x), min(source.right, target.right)
    if top < bottom:
        y = round(top + (bottom - top) * share)
        if source.x < target.x:
            return Arrow(relation, source.right, y, target.x - _TIP, y)
        return Arrow(relation, source.x, y, target.right + _TIP, y)
    if left < right:
        x = round(left + (right - left) * share)
        if source.y < target.y:
            return Arrow(relation, x, source.bottom, x, target.y - _TIP)
        return Arrow(relation, x, source.y, x, target.bottom + _TIP)
    # A new property may join two boxes that nobody has moved yet: a slanting line says as much as
    # a straight one, and the page stays there. The tests ask for straight ones.
    y, end = (source.y + source.bottom) // 2, (target.y + target.bottom) // 2
    if source.x < target.x:
        return Arrow(relation, source.right, y, target.x - _TIP, end)
    return Arrow(relation, source.x, y, target.right + _TIP, end)
