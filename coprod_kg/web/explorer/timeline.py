"""Timelines of stages as coordinates for a drawing: one line for each initiative, year by rank."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from coprod_kg.formats.table import Cell

__all__ = ["Line", "Span", "Timeline", "rank_of", "timeline"]

_RANKS: Final = {
    "ad-hoc": 1,
    "ad-hoc-individual": 1,
    "ad-hoc-collective": 1,
    "pilot-project": 2,
    "project": 3,
    "programme": 4,
    "culture": 5,
}
_OPEN: Final = 9999


@dataclass(frozen=True, slots=True)
class Span:
    """A stage for some years.

    Attributes:
        stage: slug of the stage.
        label: its name.
        start, end: years; the end is that of the drawing where it is open.
        left, width: in hundredths of the drawing.
        open: whether no end is known.
        reversed: whether the stage before had a higher rank.
    """

    stage: str
    label: Cell
    start: int
    end: int
    left: float
    width: float
    open: bool
    reversed: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One initiative's stages over the years, as one claimant or several see them."""

    iri: str
    name: Cell
    claimant: str
    spans: tuple[Span, ...]

    @property
    def dropped(self) -> bool:
        """Whether its last stage ended and none came after."""
        return not self.spans[-1].open


@dataclass(frozen=True, slots=True)
class Timeline:
    """The lines of several initiatives, and the years that the drawing spans."""

    first: int
    last: int
    lines: tuple[Line, ...]
    ticks: tuple[tuple[int, float], ...]
    undated: int


def timeline(rows: Iterable[Mapping[str, Cell]], today: int) -> Timeline:
    """The timeline of the rows of ``initiative-history``.

    Args:
        rows: one for each judgement.
        today: the year in which what is open is drawn to end.
    """
    by_line: dict[tuple[str, str], list[Mapping[str, Cell]]] = {}
    undated = set()
    for row in rows:
        key = row["initiative"].value, row["claimantLabel"].value
        if "from" in row:
            by_line.setdefault(key, []).append(row)
        else:
            undated.add(row["initiative"].value)
    years = [_year(row["from"]) for several in by_line.values() for row in several]
    first, last = min(years, default=today), max(today, *years) if years else today
    scale = 100 / max(last - first + 1, 1)
    lines = [
        Line(iri, several[0]["initiativeLabel"], claimant, spans)
        for (iri, claimant), several in by_line.items()
        for spans in [tuple(_spans(several, first, last, scale))]
    ]
    alike: dict[tuple[str, tuple[Span, ...]], Line] = {}  # who agree need no line each
    for line in lines:
        alike.setdefault((line.iri, line.spans), line)
    lines = list(alike.values())
    lines.sort(key=lambda line: (line.spans[0].start, line.name.value))
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100) if (last - first) / step <= 8)
    begin = first + -first % step
    ticks = tuple((year, round((year - first) * scale, 2)) for year in range(begin, last + 1, step))
    drawn = {line.iri for line in lines}
    return Timeline(first, last, tuple(lines), ticks, len(undated - drawn))


def _spans(
    rows: Iterable[Mapping[str, Cell]], first: int, last: int, scale: float
) -> Iterable[Span]:
    ordered = sorted(rows, key=lambda row: row["from"].value)
    before = 0
    for number, row in enumerate(ordered):
        following = ordered[number + 1] if number + 1 < len(ordered) else None
        start = _year(row["from"])
        until = _year(row["until"]) if "until" in row else _OPEN
        if following:
            until = min(until, _year(following["from"]))
        end = min(until, last + 1)
        stage = row["stage"].value.rpartition("/")[2]
        rank = rank_of(row["stage"])
        yield Span(
            stage,
            row["stageLabel"],
            start,
            min(until, last),
            round((start - first) * scale, 2),
            round(max(end - start, 0.4) * scale, 2),
            until == _OPEN,
            0 < rank < before,
        )
        before = rank


def rank_of(stage: Cell) -> int:
    """The place of a stage in their order; 0 where it is none of ours."""
    return _RANKS.get(stage.value.rpartition("/")[2], 0)


def _year(cell: Cell) -> int:
    return int(cell.value[:4])
