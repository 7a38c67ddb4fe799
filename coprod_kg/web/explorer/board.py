"""The board: initiatives by stage, restricted by country, sector, role, phase, year."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import Response

from coprod_kg.formats.table import Cell
from coprod_kg.queries.labels import concepts
from coprod_kg.web.explorer.home import StageRow, extent_of, stage_rows
from coprod_kg.web.explorer.page import Figure, Page

__all__ = ["Choice", "board", "counted", "facets_of"]

_FACETS: Final = ("country", "sector", "role", "phase")
_FILTERS: Final = ("stage", *_FACETS, "organisation", "year")
_IN_A_COLUMN: Final = 60
"""Initiatives shown of one stage; the figure above links to all."""
_AT_ONCE: Final = 1500
"""Up to so many initiatives one query fetches them all; of more, one for each stage its first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that a reader may choose: slug, name, whether it is chosen, and how many fit.

    The number is None where it is withheld.
    """

    slug: str
    label: Cell
    number: int | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Column:
    """One stage on the board, with its initiatives: name, page, stage that the record supports."""

    slug: str
    label: Cell | None
    count: Figure
    initiatives: tuple[tuple[Cell, str | None, Cell | None], ...]

    @property
    def more(self) -> int:
        """How many are not shown."""
        return max(0, (self.count.number or 0) - len(self.initiatives))


def board(page: Page) -> Response:
    """The board."""
    grouped = page.given.grouped()
    chosen: dict[str, list[str]] = {name: grouped[name] for name in _FILTERS if name in grouped}
    wanted = chosen.get("stage", [])
    extent = extent_of(page)
    fitting, counts = counted(page, chosen)
    listed = _listed(page, chosen, fitting)
    columns = [
        _column(page, stage, counts.get(stage.slug, 0), listed.get(stage.slug, {}), chosen)
        for stage in stage_rows(page, extent)
        if not wanted or stage.slug in wanted
    ]
    return page.render(
        "explorer/board.html",
        columns=columns,
        facets=facets_of(page, chosen),
        chosen=chosen,
        organisations=_organisations(page, chosen.get("organisation", [])),
        total=extent["initiatives"],
        fitting=Figure(fitting, page.link("initiatives", **chosen), extent["initiatives"].number),
        stage_names=[column.label for column in columns if column.label and column.slug in wanted],
        claims=page.site.claims(page.version),
    )


def counted(page: Page, chosen: Mapping[str, str | list[str]]) -> tuple[int, dict[str, int]]:
    """How many initiatives fit what is chosen, and how many of them sit at each stage now.

    Those of no known stage are under "". One that two sources place differently sits at both.
    """
    fitting, counts = 0, {}
    for row in page.ask("view-board", **chosen).rows:
        number = int(row["initiatives"].value)
        if row["whole"].value == "1":
            fitting = number
        else:
            counts[row["atStage"].value.rpartition("/")[2] if "atStage" in row else ""] = number
    return fitting, counts


def _listed(
    page: Page, chosen: Mapping[str, list[str]], total: int
) -> dict[str, dict[str, Mapping[str, Cell]]]:
    """Stage → initiative → its row, at least as many of each stage as a column shows.

    Both ways may give an initiative's row more than once, and one of no stage under "".
    """
    if total <= _AT_ONCE:
        rows = list(page.ask("initiatives", **chosen).rows)
    else:
        known = [concept.slug for concept in concepts().values() if "/stage/" in concept.iri]
        stages = chosen.get("stage", known)
        rows = [
            row
            for stage in stages
            for row in page.first("initiatives", _IN_A_COLUMN, **{**chosen, "stage": [stage]}).rows
        ]
        if "stage" not in chosen:
            rows += page.first("initiatives", _IN_A_COLUMN, **{**chosen, "unplaced": ["1"]}).rows
    listed: dict[str, dict[str, Mapping[str, Cell]]] = {}
    for row in rows:
        slug = row["atStage"].value.rpartition("/")[2] if "atStage" in row else ""
        listed.setdefault(slug, {})[row["initiative"].value] = row
    return listed


def _column(
    page: Page,
    stage: StageRow,
    number: int,
    rows: Mapping[str, Mapping[str, Cell]],
    chosen: Mapping[str, list[str]],
) -> Column:
    where: dict[str, str] = {"stage": stage.slug} if stage.slug else {"unplaced": "1"}
    return Column(
        stage.slug,
        stage.label,
        Figure(number, page.link("initiatives", **{**chosen, **where})),
        tuple(
            (row["initiativeLabel"], page.place(iri), row.get("bearsLabel"))
            for iri, row in list(rows.items())[:_IN_A_COLUMN]
        ),
    )


def facets_of(page: Page, chosen: Mapping[str, list[str]]) -> dict[str, list[Choice]]:
    """Each value that answers, with how many initiatives, by facet and name."""
    facets: dict[str, list[Choice]] = {name: [] for name in _FACETS}
    # Counted over all initiatives, whatever is chosen.
    for row in page.ask("view-facets").rows:
        name, iri = row["facet"].value, row["value"].value
        concept = concepts().get(iri)
        slug = concept.slug if concept else iri
        choice = Choice(
            slug, row["valueLabel"], int(row["initiatives"].value), slug in chosen.get(name, ())
        )
        facets[name].append(choice)
    return {
        name: sorted(choices, key=lambda choice: choice.label.value)
        for name, choices in facets.items()
    }


def _organisations(page: Page, slugs: list[str]) -> list[tuple[str, str]]:
    """The organisations chosen: slug and name."""
    names = page.names(page.iri("organisation", slug) for slug in slugs)
    return [
        (slug, names[iri].value if iri in names else slug)
        for slug in slugs
        for iri in [page.iri("organisation", slug)]
    ]
