"""The first page: how many initiatives there are, where they sit, and what holds most of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import Response

from coprod_kg.formats.table import Cell, Table
from coprod_kg.web.explorer.page import Figure, Page, marks

__all__ = ["StageRow", "home", "stage_rows"]

_SHOWN: Final = 6
_NEWS: Final = 3
_EXTENT: Final = {
    "initiatives": "initiatives",
    "organisations": "completeness-by-organisation",
    "countries": "stages-by-country",
    "staged": "initiatives-at-stage",
    "barred": "initiatives-facing-barrier",
    "enabled": "initiatives-with-enabler",
}
"""What is counted → the saved query whose first column has each of them."""


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage, how many initiatives are claimed to be there, and for how many the record shows it.

    Attributes:
        slug: of the stage; empty for those of which none is known.
        label: its name, or None for those of which none is known.
        claimed: how many.
        supported: how many of these the record supports.
    """

    slug: str
    label: Cell | None
    claimed: Figure
    supported: Figure


def home(page: Page) -> Response:
    """The first page."""
    extent = extent_of(page)
    stages = stage_rows(page, extent)
    return page.render(
        "explorer/home.html",
        scripted=True,
        extent=extent,
        stages=stages,
        most=max((row.claimed.number or 0 for row in stages), default=0) or 1,
        marks=marks(figure for row in stages for figure in (row.claimed, row.supported)),
        barriers=_barriers(page, extent["barred"].number or 0),
        news=_news(page),
        claims=page.site.claims(page.version),
    )


def extent_of(page: Page) -> dict[str, Figure]:
    """What there is, and of how many initiatives how much is known."""
    row = page.ask("view-extent").rows[0]
    total = int(row["initiatives"].value)
    of = {"staged": total, "barred": total, "enabled": total}
    return {
        name: Figure(int(row[name].value), page.link(question), of.get(name))
        for name, question in _EXTENT.items()
    }


def stage_rows(page: Page, extent: Mapping[str, Figure]) -> list[StageRow]:
    """Each stage with those that claim it and those for which it is supported; last the unknown."""
    total = extent["initiatives"].number or 0
    rows = [
        _stage_row(page, row, total)
        for row in page.ask("claimed-and-supported").rows
        if row["claimed"].value != "0" or not _is_parent(row["stage"].value)
    ]
    unknown = total - (extent["staged"].number or 0)
    none = Figure(unknown, page.link("initiatives", unplaced="1"), total)
    return [*rows, StageRow("", None, none, Figure(None, mark="z"))]


def _stage_row(page: Page, row: Mapping[str, Cell], total: int) -> StageRow:
    slug = row["stage"].value.rpartition("/")[2]
    claimed = Figure.of_cell(row["claimed"], page.link("initiatives", stage=slug), total)
    shown = page.link("initiatives", stage=slug, supported=slug)
    supported = (
        Figure(None, mark="z")
        if claimed.number == 0
        else Figure.of_cell(row["supported"], shown, claimed.number)
    )
    return StageRow(slug, row["stageLabel"], claimed, supported)


def _is_parent(stage: str) -> bool:
    """Whether it is ad hoc facilitation as such, whose two kinds have rows of their own."""
    return stage.endswith("/ad-hoc")


def _barriers(page: Page, reporting: int) -> list[tuple[Cell, str | None, Figure]]:
    table: Table = page.ask("barriers-overall")
    return [
        (
            row["barrierLabel"],
            page.place(row["barrier"].value),
            Figure.of_cell(
                row["initiatives"],
                page.link("initiatives-facing-barrier", barrier=_slug(row["barrier"])),
                reporting,
            ),
        )
        for row in table.rows[:_SHOWN]
    ]


def _news(page: Page) -> list[tuple[str, Cell, str, int]]:
    """The newest days on which data came: day, sender, link, how many organisations."""
    return [
        (day, row["senderLabel"], page.link("submissions", since=day), int(row["graphs"].value))
        for row in page.first("view-news", _NEWS).rows
        for day in [row["day"].value]
    ]


def _slug(cell: Cell) -> str:
    return cell.value.rpartition("/")[2]
