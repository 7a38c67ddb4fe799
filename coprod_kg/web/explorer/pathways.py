"""Pathways: moves from stage to stage and how long they took, and each initiative's line."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from statistics import median_low
from typing import Final

from flask import Response

from coprod_kg.formats.table import Cell
from coprod_kg.web.explorer.page import Figure, Page
from coprod_kg.web.explorer.timeline import rank_of, timeline

__all__ = ["pathways"]

_DRAWN: Final = 60
_STALLED: Final = 100
_ENDS: Final = ("fromStage", "toStage")


def pathways(page: Page) -> Response:
    """The page of the moves."""
    first = [row["initiative"].value for row in page.first("view-moved", _DRAWN).rows]
    history = page.ask("initiative-history", initiative=first).rows if first else ()
    counts = page.ask("view-paths").rows[0]
    moved, stayed, undated = (int(counts[name].value) for name in ("moved", "stayed", "undated"))
    today = datetime.now(UTC).year
    lines = timeline(history, today).lines
    shown = {(line.iri, line.claimant) for line in lines if len(line.spans) > 1 or line.dropped}
    # Drawn anew, so that the years are those of the lines that are shown.
    drawn = timeline((row for row in history if _key(row) in shown), today)
    stalled = page.first("initiatives-below-target", _STALLED + 1).rows
    return page.render(
        "explorer/pathways.html",
        moves=_moves(page),
        moved=drawn,
        several=len(drawn.lines) > len(first),
        left_out=moved - len(first),
        stayed=stayed,
        undated=undated,
        stalled=stalled[:_STALLED],
        more_stalled=len(stalled) > _STALLED,
        claims=page.site.claims(page.version),
    )


def _key(row: Mapping[str, Cell]) -> tuple[str, str]:
    return row["initiative"].value, row["claimantLabel"].value


def _moves(page: Page) -> list[tuple[Mapping[str, Cell], Figure, int | None]]:
    """Each move: its row, how many took it, and the middle of their months.

    The middle comes from counts, which are few however many initiatives there are.
    """
    taken: dict[tuple[str, str], Counter[int]] = {}
    for row in page.ask("view-moves").rows:
        months = taken.setdefault(_ends_of(row), Counter())
        months[int(row["months"].value)] += int(row["initiatives"].value)
    found = []
    for row in page.ask("step-durations-by-step").rows:
        before, after = (iri.rpartition("/")[2] for iri in _ends_of(row))
        link = page.link("step-durations", from_stage=before, to_stage=after)
        known = taken.get(_ends_of(row))
        # Where the count is withheld, so is what would be told of those few.
        told = known and not row["initiatives"].is_suppressed
        middle = median_low(known.elements()) if known and told else None
        found.append((row, Figure.of_cell(row["initiatives"], link), middle))
    return sorted(found, key=lambda move: [rank_of(move[0][name]) for name in _ENDS])


def _ends_of(row: Mapping[str, Cell]) -> tuple[str, str]:
    """The stages from which and to which a move leads."""
    return row["fromStage"].value, row["toStage"].value
