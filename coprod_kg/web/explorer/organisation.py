"""The page of an organisation: where we stand, what holds us, who got past it, what to send."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flask import Response

from coprod_kg.errors import NotFound
from coprod_kg.formats.table import Cell
from coprod_kg.queries.caveat import claims_of
from coprod_kg.web.explorer.assessed import Assessed, assessed
from coprod_kg.web.explorer.home import extent_of
from coprod_kg.web.explorer.initiative import facts_of
from coprod_kg.web.explorer.page import Figure, Page, marks
from coprod_kg.web.thing_address import refuse_withdrawn

__all__ = ["organisation"]

_EXPLAINED = 30
"""So many initiatives are assessed on one page; the pages of the others say the same of them."""


@dataclass(slots=True)
class OwnBarrier:
    """A barrier that initiatives of ours report, beside all that report it.

    Attributes:
        iri: the barrier.
        label: its name.
        link: its page.
        ours: how many of our initiatives report it.
        all: how many of all.
        overcame: who is said to have overcome it.
        went_on: who took the same step all the same.
    """

    iri: str
    label: Cell
    link: str | None
    ours: Figure
    all: Figure
    overcame: dict[str, dict[str, object]] = field(default_factory=dict)
    went_on: dict[str, dict[str, object]] = field(default_factory=dict)


def organisation(page: Page, name: str) -> Response:
    """The page of one organisation."""
    iri = page.iri("organisation", name)
    title = page.names([iri]).get(iri)
    portfolio = page.ask("initiatives", organisation=name).rows
    if title is None and not portfolio:
        refuse_withdrawn(page.site, iri, page.version)
        raise NotFound(
            "no organisation here has this name",
            where=name[:80],
            fix="Look for it by one word of its name at /search.",
        )
    ours = list(dict.fromkeys(row["initiative"].value for row in portfolio))
    learning, complete = _learning(page, name), _completeness(page, name)
    found = assessed(page, (iri, *ours[:_EXPLAINED]))
    return page.render(
        "explorer/organisation.html",
        slug=name,
        iri=iri,
        title=title or Cell("literal", name),
        facts=facts_of(page, iri),
        stages=_stages(page, name, portfolio),
        count=Figure(len(ours), page.link("initiatives", organisation=name)),
        left_out=max(0, len(ours) - _EXPLAINED),
        assessed=found,
        titles={row["initiative"].value: row["initiativeLabel"] for row in portfolio},
        barriers=_barriers(page, name, len(ours), found),
        learning=learning,
        complete=complete,
        marks=marks((*learning.values(), *complete.values())),
        coded=claims_of(page.ask("view-bases-of", thing=[iri, *ours])),
    )


def _stages(
    page: Page, name: str, rows: Iterable[Mapping[str, Cell]]
) -> list[tuple[Cell, Figure, list[tuple[Cell, str | None, Cell | None]], str]]:
    """Stage → how many of ours, and which; those of no known stage last."""
    by_stage: dict[str, tuple[Cell, dict[str, Mapping[str, Cell]]]] = {}
    for row in rows:
        slug = row["atStage"].value.rpartition("/")[2] if "atStage" in row else ""
        _, names = by_stage.setdefault(slug, (row["atStageLabel"], {}))
        names[row["initiative"].value] = row
    return [
        (
            label,
            Figure(
                len(names),
                page.link("initiatives", organisation=name, stage=slug)
                if slug
                else page.link("initiatives", organisation=name, unplaced="1"),
            ),
            [
                (row["initiativeLabel"], page.place(iri), row.get("bearsLabel"))
                for iri, row in names.items()
            ],
            slug,
        )
        for slug, (label, names) in by_stage.items()
    ]


def _barriers(page: Page, name: str, ours: int, found: Iterable[Assessed]) -> list[OwnBarrier]:
    reports: dict[str, set[str]] = {}
    labels: dict[str, Cell] = {}
    for row in page.ask("initiatives-facing-barrier", organisation=name).rows:
        reports.setdefault(row["barrier"].value, set()).add(row["initiative"].value)
        labels[row["barrier"].value] = row["barrierLabel"]
    reporting = extent_of(page)["barred"].number
    everywhere = {
        row["barrier"].value: row["initiatives"] for row in page.ask("barriers-overall").rows
    }
    barriers = {}
    for iri, initiatives in reports.items():
        slug = iri.rpartition("/")[2]
        link = page.link("initiatives-facing-barrier", organisation=name, barrier=slug)
        barriers[iri] = OwnBarrier(
            iri,
            labels[iri],
            page.place(iri),
            Figure(len(initiatives), link, ours),
            Figure.of_cell(
                everywhere[iri], page.link("initiatives-facing-barrier", barrier=slug), reporting
            )
            if iri in everywhere
            else Figure(None, mark="x"),
        )
    for one in found:
        for barrier in one.values["barriers"]:
            if barrier["iri"] not in barriers:
                continue
            mine = barriers[barrier["iri"]]
            mine.overcame |= {case["iri"]: case for case in barrier["overcame"]}
            mine.went_on |= {case["iri"]: case for case in barrier["went_on"]}
    return sorted(barriers.values(), key=lambda one: (-(one.ours.number or 0), one.label.value))


def _learning(page: Page, name: str) -> dict[str, Figure]:
    rows = page.ask("learning-flows-by-direction", organisation=name).rows
    link = page.link("learning-flows-by-direction", organisation=name)
    if not rows:
        return {"feedForward": Figure(None, mark="x"), "feedback": Figure(None, mark="x")}
    return {
        column: _sum([row[column] for row in rows], link, column)
        for column in ("feedForward", "feedback")
    }


def _sum(cells: list[Cell], link: str, column: str) -> Figure:
    """The sum of a column; withheld where one of its counts is, which the sum would tell."""
    if any(cell.is_suppressed for cell in cells):
        return Figure(None, link, mark="c", column=column)
    return Figure(sum(int(cell.value) for cell in cells), link, column=column)


def _completeness(page: Page, name: str) -> dict[str, Figure]:
    rows = page.ask("completeness-by-organisation", organisation=name).rows
    link = page.link("completeness-by-organisation", organisation=name)
    return {
        column: Figure.of_cell(rows[0][column], link, column=column)
        for column in ("initiatives", "withoutStage", "undated", "claims", "unevidenced")
        if rows
    }
