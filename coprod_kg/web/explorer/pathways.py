"""Pathways: moves from stage to stage and how long they took, and each initiative's line."""

from collections.abc import Mapping
from datetime import UTC, datetime
from statistics import median_low
from typing import Final

from flask import Response

from coprod_kg.formats.table import Cell
from coprod_kg.web.explorer.page import Figure, Page
from coprod_kg.web.explorer.timeline import Line, Timeline, rank_of, timeline

__all__ = ["pathways"]

_MOVES: Final = 2000
_JUDGEMENTS: Final = 3000
_LINES: Final = 60
_ENDS: Final = ("fromStage", "toStage")


def pathways(page: Page) -> Response:
    """The page of the moves."""
    history = page.first("initiative-history", _JUDGEMENTS).rows
    drawn = timeline(history, datetime.now(UTC).year)
    moved = tuple(line for line in drawn.lines if len(line.spans) > 1 or line.dropped)
    return page.render(
        "explorer/pathways.html",
        moves=_moves(page),
        moved=_part(drawn, moved[:_LINES]),
        left_out=len(moved) - len(moved[:_LINES]),
        stayed=len(drawn.lines) - len(moved),
        cut=len(history) == _JUDGEMENTS,
        undated=drawn.undated,
        stalled=page.ask("initiatives-below-target").rows,
        claims=page.site.claims(page.version),
    )


def _part(whole: Timeline, lines: tuple[Line, ...]) -> Timeline:
    return Timeline(whole.first, whole.last, lines, whole.ticks, whole.undated)


def _moves(page: Page) -> list[tuple[Mapping[str, Cell], Figure, int | None]]:
    """Each move: its row, how many took it, and the middle of their months."""
    months: dict[tuple[str, str], dict[str, int]] = {}
    durations = page.first("step-durations", _MOVES).rows
    for row in durations:
        key = row["fromStage"].value, row["toStage"].value
        if not row["months"].is_suppressed:
            months.setdefault(key, {})[row["initiative"].value] = int(row["months"].value)
    found = []
    for row in page.ask("step-durations-by-step").rows:
        ends = row["fromStage"].value, row["toStage"].value
        before, after = (iri.rpartition("/")[2] for iri in ends)
        link = page.link("step-durations", from_stage=before, to_stage=after)
        known = list(months.get(ends, {}).values())
        middle = median_low(known) if known and len(durations) < _MOVES else None
        found.append((row, Figure.of_cell(row["initiatives"], link), middle))
    return sorted(found, key=lambda move: [rank_of(move[0][name]) for name in _ENDS])
