"""The comparison: organisations, countries or sectors side by side, and why to be careful."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flask import Response

from coprod_kg.errors import WrongUsage
from coprod_kg.formats.table import Cell
from coprod_kg.model.namespaces import is_secondary
from coprod_kg.model.schemes import schemes
from coprod_kg.web.explorer.board import Choice, counted, facets_of
from coprod_kg.web.explorer.home import StageRow, extent_of, stage_rows
from coprod_kg.web.explorer.page import Figure, Page, marks
from coprod_kg.web.names import names

__all__ = ["compare"]

_KINDS: Final = ("organisation", "country", "sector")
_MOST: Final = 4
"""Sides of a comparison; more are left out."""
_FEW: Final = 5
"""Below so many initiatives a share says nothing."""
_LISTED: Final = 300
"""So many organisations are offered as a list; of more, those that a name finds."""
_FOUND: Final = 20


@dataclass(frozen=True, slots=True)
class Side:
    """One of those that are compared.

    Attributes:
        slug, label, link: what it is.
        total: its initiatives.
        stages: how many of them stand at each stage.
        barred: how many of them report any barrier: not available where none does, since nobody may
            have looked.
        barriers: the barriers most of them report.
        coded: how many claims about them are secondary coding, and how many there are.
    """

    slug: str
    label: Cell
    link: str
    total: Figure
    stages: tuple[Figure, ...]
    barred: Figure
    barriers: tuple[tuple[Cell, str | None, Figure], ...]
    coded: tuple[int, int]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Every figure of the side; what nobody reported or coded has a mark of its own."""
        reported = tuple(figure for _, _, figure in self.barriers) or (Figure(None, mark="x"),)
        coded = () if self.coded[1] else (Figure(None, mark="z"),)
        return (self.total, *self.stages, self.barred, *reported, *coded)

    @property
    def few(self) -> bool:
        """Whether it has too few initiatives for a share to mean anything."""
        return (self.total.number or 0) < _FEW


def compare(page: Page) -> Response:
    """The page of the comparison."""
    given = page.given.grouped()
    kinds = [kind for kind in _KINDS if kind in given]
    if len(kinds) > 1:
        raise WrongUsage(
            "organisations, countries and sectors cannot be compared with each other",
            fix="Compare organisations, or countries, or sectors.",
        )
    kind = kinds[0] if kinds else ""
    wanted = list(dict.fromkeys(given.get(kind, ())))
    slugs = wanted[:_MOST]
    extent = extent_of(page)
    stages = stage_rows(page, extent) if slugs else []
    sides = [_side(page, kind, slug, stages, extent["initiatives"].number) for slug in slugs]
    chosen = slugs if kind == "organisation" else []
    by_name = (extent["organisations"].number or 0) > _LISTED
    text = (page.given.one("q") or "").strip()[:200] if by_name else ""
    found = _found(page, text) if text else []
    return page.render(
        "explorer/compare.html",
        scripted=by_name,
        by_name=by_name,
        text=text,
        found=found,
        chosen=chosen,
        left_out=len(wanted) - len(slugs),
        kind=kind,
        sides=sides,
        marks=marks(figure for side in sides for figure in side.figures),
        stages=stages,
        facets={
            "organisation": _organisations(page, chosen, found if by_name else None),
            **facets_of(page, given),
        },
        most=_MOST,
        claims=page.site.claims(page.version),
    )


def _found(page: Page, text: str) -> list[str]:
    """The organisations that a name finds, the best first."""
    start = page.iri("organisation", "")
    return [
        match.entry.iri.removeprefix(start)
        for match in names(page.site, page.version).find(text)
        if match.entry.kind == "organisation"
    ][:_FOUND]


def _side(page: Page, kind: str, slug: str, stages: list[StageRow], of: int | None) -> Side:
    where = {kind: slug}
    found: dict[str, list[Mapping[str, Cell]]] = {}
    for row in page.ask("view-side", **where).rows:
        found.setdefault(row["counted"].value, []).append(row)
    total, barred = (_number(found[counted][0]) for counted in ("initiatives", "barred"))
    _, at = counted(page, where)
    reported = sorted(
        found.get("barrier", ()), key=lambda row: (-_number(row), row["ofLabel"].value)
    )
    bases = [(row["of"].value, _number(row)) for row in found.get("basis", ())]
    return Side(
        slug,
        _label(page, kind, slug),
        page.to(f"/organisations/{slug}") if kind == "organisation" else page.to("/board", **where),
        Figure(total, page.link("initiatives", **where), of),
        tuple(_at_stage(page, where, stage, at, total) for stage in stages),
        Figure(barred, page.link("initiatives-facing-barrier", **where), total)
        if barred
        else Figure(None, mark="x" if total else "z"),
        tuple(_barrier(page, where, row, barred) for row in reported[:3]),
        (
            sum(number for basis, number in bases if is_secondary(basis)),
            sum(number for _, number in bases),
        ),
    )


def _number(row: Mapping[str, Cell]) -> int:
    return int(row["number"].value)


def _barrier(
    page: Page, where: dict[str, str], row: Mapping[str, Cell], barred: int
) -> tuple[Cell, str | None, Figure]:
    slug = row["of"].value.rpartition("/")[2]
    link = page.link("initiatives-facing-barrier", **where, barrier=slug)
    return row["ofLabel"], page.place(row["of"].value), Figure(_number(row), link, barred)


def _at_stage(
    page: Page, where: dict[str, str], stage: StageRow, at: dict[str, int], total: int
) -> Figure:
    if not total:
        return Figure(None, mark="z")
    here = {"stage": stage.slug} if stage.slug else {"unplaced": "1"}
    return Figure(at.get(stage.slug, 0), page.link("initiatives", **where, **here), total)


def _label(page: Page, kind: str, slug: str) -> Cell:
    if kind == "organisation":
        iri = page.iri("organisation", slug)
        return page.names([iri]).get(iri) or Cell("literal", slug)
    concept = schemes()[kind].find(slug)
    return Cell("literal", concept.label(page.language) if concept else slug, page.language)


def _organisations(page: Page, chosen: list[str], found: list[str] | None) -> list[Choice]:
    """The organisations that are offered: those chosen, and those found, else all."""
    if found is None:
        rows = page.ask("completeness-by-organisation").rows
    else:
        some = list(dict.fromkeys((*chosen, *found)))
        rows = page.ask("completeness-by-organisation", organisation=some).rows if some else ()
    return [
        Choice(
            slug,
            row["organisationLabel"],
            Figure.of_cell(row["initiatives"], "").number,
            slug in chosen,
        )
        for row in rows
        for slug in [row["organisation"].value.rpartition("/")[2]]
    ]
