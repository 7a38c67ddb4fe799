"""Pages of barriers and enablers: all of them by stage and step, and each by itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from flask import Response

from coprod_kg.errors import NotFound
from coprod_kg.formats.table import Cell, Table
from coprod_kg.model.namespaces import is_secondary
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.labels import best, concepts
from coprod_kg.web.explorer.home import StageRow, extent_of, stage_rows
from coprod_kg.web.explorer.page import Figure, Page, marks
from coprod_kg.web.site import VOCABULARY

__all__ = ["concept", "overview"]

_BY_STAGE = {"barrier": "barriers-by-stage", "enabler": "enablers-by-stage"}
_SHOWN: Final = 60
"""So many of those who overcame it or went on are named; the question has all."""
_LISTED = {"barrier": "initiatives-facing-barrier", "enabler": "initiatives-with-enabler"}


@dataclass(frozen=True, slots=True)
class Row:
    """One concept, and its cells in the order of the columns."""

    slug: str
    label: Cell
    link: str | None
    cells: tuple[Figure, ...]

    @property
    def total(self) -> int:
        """The sum of its cells: what the rows are ordered by."""
        return sum(cell.number or 0 for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Moves:
    """What one initiative that reports a barrier did all the same.

    Attributes:
        iri, label: of the initiative.
        steps: each move: the stage before, the stage after, the year or an empty text.
        unplaced: whether it is not said at which step it met the barrier.
        bases: what the reports rest on, in words.
    """

    iri: str
    label: Cell
    steps: tuple[tuple[str, str, str], ...]
    unplaced: bool
    bases: tuple[str, ...]


def overview(page: Page, kind: str) -> Response:
    """All barriers, or all enablers, by stage; barriers by step too."""
    extent = extent_of(page)
    stages = stage_rows(page, extent)
    by_stage = _matrix(page, kind, stages)
    shown = {row.slug for row in by_stage}
    groups = {row["thing"].value for row in page.ask("view-groups").rows}
    unreported = sorted(
        (one.label(page.language), page.place(one.iri))
        for slug, one in schemes()[kind].concepts.items()
        if slug not in shown and one.iri not in groups
    )
    steps = _steps(page) if kind == "barrier" else None
    shown_rows = (*by_stage, *(steps[1] if steps else ()))
    return page.render(
        "explorer/concepts.html",
        kind=kind,
        stages=stages,
        rows=by_stage,
        steps=steps,
        marks=marks(cell for row in shown_rows for cell in row.cells),
        unreported=unreported,
        reporting=extent["barred" if kind == "barrier" else "enabled"],
        as_share=page.given.one("show") == "share",
        question=_BY_STAGE[kind],
        claims=page.site.claims(page.version),
    )


def concept(page: Page, kind: str, name: str) -> Response:
    """One barrier or enabler: what it is, where it is reported, who got past it."""
    if name not in schemes()[kind].concepts:
        raise NotFound(
            "no barrier or enabler has this name",
            where=name[:80],
            fix="All of them are listed at /barriers and /enablers.",
        )
    iri = f"{VOCABULARY}{kind}/{name}"
    extent = extent_of(page)
    stages = stage_rows(page, extent)
    mine = next((row for row in _matrix(page, kind, stages) if row.slug == name), None)
    reports = page.ask(_LISTED[kind], **{kind: name})
    overcome = page.ask("barriers-overcome", **{kind: name})
    passed = [row for row in overcome.rows if row.get(kind) and row[kind].value == iri]
    moved = page.ask("moved-on-despite-barrier", barrier=name).rows if kind == "barrier" else ()
    went_on = _moves(moved)
    reporting = extent["barred" if kind == "barrier" else "enabled"].number
    initiatives = {row["initiative"].value for row in reports.rows}
    steps = _steps_of(page, name) if kind == "barrier" else []
    return page.render(
        "explorer/concept.html",
        kind=kind,
        slug=name,
        iri=iri,
        title=concepts()[iri].label(page.language),
        facts=_facts(page, iri),
        stages=stages,
        cells=mine.cells if mine else None,
        steps=steps,
        marks=marks((*(mine.cells if mine else ()), *(cell for _, cell in steps))),
        total=Figure(len(initiatives), page.link(_LISTED[kind], **{kind: name}), reporting),
        reports=reports.rows,
        passed=passed[:_SHOWN],
        passed_all=passed,
        moved=went_on[:_SHOWN],
        moved_all=len(went_on),
        listed=_LISTED[kind],
        coded=_coded(reports),
    )


def _moves(rows: Iterable[Mapping[str, Cell]]) -> list[Moves]:
    """The rows of ``moved-on-despite-barrier`` as one entry for each initiative."""
    found: dict[str, list[Mapping[str, Cell]]] = {}
    for row in rows:
        found.setdefault(row["initiative"].value, []).append(row)
    return [
        Moves(
            iri,
            several[0]["initiativeLabel"],
            tuple(dict.fromkeys(_step(row) for row in several)),
            not any("step" in row for row in several),
            tuple(dict.fromkeys(row["basisLabel"].value for row in several)),
        )
        for iri, several in found.items()
    ]


def _step(row: Mapping[str, Cell]) -> tuple[str, str, str]:
    year = row["when"].value[:4] if "when" in row else ""
    return row["fromStageLabel"].value, row["toStageLabel"].value, year


def _matrix(page: Page, kind: str, stages: Iterable[StageRow]) -> list[Row]:
    counts: dict[str, dict[str, Cell]] = {}
    labels: dict[str, Cell] = {}
    for row in page.ask(_BY_STAGE[kind]).rows:
        iri = row[kind].value
        labels[iri] = row[f"{kind}Label"]
        stage = row["stage"].value.rpartition("/")[2] if "stage" in row else ""
        counts.setdefault(iri, {})[stage] = row["initiatives"]
    rows = [
        Row(
            iri.rpartition("/")[2],
            labels[iri],
            page.place(iri),
            tuple(_cell(page, kind, iri, stage, found) for stage in stages),
        )
        for iri, found in counts.items()
    ]
    return sorted(rows, key=lambda row: (-row.total, row.label.value))


def _cell(page: Page, kind: str, iri: str, stage: StageRow, found: Mapping[str, Cell]) -> Figure:
    count, at_stage = found.get(stage.slug), stage.claimed.number
    if count is None:
        return Figure(None, mark="z" if at_stage == 0 else "x")
    where = {"stage": stage.slug} if stage.slug else {"unplaced": "1"}
    slug = iri.rpartition("/")[2]
    return Figure.of_cell(count, page.link(_LISTED[kind], **{kind: slug}, **where), at_stage)


def _steps(page: Page) -> tuple[list[tuple[str, Cell, int]], list[Row]]:
    """The steps at which any barrier is reported, by how many, and the barriers at each."""
    steps = [
        (row["step"].value, row["stepLabel"], int(row["reporting"].value))
        for row in page.ask("view-steps").rows
        if row["reporting"].value != "0"
    ]
    counts: dict[str, dict[str, Cell]] = {}
    labels: dict[str, Cell] = {}
    for row in page.ask("barriers-by-step").rows:
        counts.setdefault(row["barrier"].value, {})[row["step"].value] = row["initiatives"]
        labels[row["barrier"].value] = row["barrierLabel"]
    rows = [
        Row(
            iri.rpartition("/")[2],
            labels[iri],
            page.place(iri),
            tuple(_at_step(page, iri, step, reporting, found) for step, _, reporting in steps),
        )
        for iri, found in counts.items()
    ]
    return steps, sorted(rows, key=lambda row: (-row.total, row.label.value))


def _at_step(page: Page, iri: str, step: str, reporting: int, found: Mapping[str, Cell]) -> Figure:
    if step not in found:
        return Figure(None, mark="x")
    slugs = {"barrier": iri.rpartition("/")[2], "met_at": step.rpartition("/")[2]}
    return Figure.of_cell(found[step], page.link("initiatives-facing-barrier", **slugs), reporting)


def _steps_of(page: Page, name: str) -> list[tuple[Cell, Figure]]:
    steps, rows = _steps(page)
    mine = next((row for row in rows if row.slug == name), None)
    if mine is None:
        return []
    return [(label, cell) for (_, label, _), cell in zip(steps, mine.cells, strict=True)]


def _facts(page: Page, iri: str) -> dict[str, list[tuple[Cell, str | None]]]:
    """What a concept means: property → values; of texts only those in the best language."""
    found = page.site.about("view-concept", iri, page.version).table() or Table((), ())
    texts: dict[str, list[Cell]] = {}
    facts: dict[str, list[tuple[Cell, str | None]]] = {}
    for row in page.named(found).rows:
        name, value = row["property"].value, row["value"]
        if value.kind == "uri":
            shown = row["valueLabel"] if value.value in concepts() else value
            facts.setdefault(name, []).append((shown, page.place(value.value) or value.value))
        else:
            texts.setdefault(name, []).append(value)
    for name, cells in texts.items():
        chosen = best(cells, page.language)
        same = [cell for cell in cells if chosen and cell.language == chosen.language]
        facts.setdefault(name, []).extend((cell, None) for cell in same)
    return facts


def _coded(reports: Table) -> tuple[int, int]:
    """How many reports are secondary coding, and how many there are."""
    bases = {row["report"].value: row["basis"].value for row in reports.rows}
    coded = sum(is_secondary(basis) for basis in bases.values())
    return coded, len(bases)
