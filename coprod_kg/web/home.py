"""The first page: initiatives by stage, and the barriers that they have met.

Every number is a cell of a saved query, and a link to the saved query that lists what it counts.
"""

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template

from coprod_kg.formats.media_types import HTML
from coprod_kg.formats.negotiation import Offer
from coprod_kg.formats.table import Cell, Table
from coprod_kg.web.pages.disclaimer import claims
from coprod_kg.web.replies import Conditions
from coprod_kg.web.site import Site

__all__ = ["blueprint"]


@dataclass(frozen=True, slots=True)
class Count:
    """A number, and the address of the saved query that lists what it counts."""

    number: int
    link: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage (or no known one), and how many initiatives are there."""

    iri: str
    label: str
    count: Count
    secondary: int


@dataclass(frozen=True, slots=True)
class BarrierCounts:
    """A barrier, and how many initiatives have met it, stage by stage."""

    label: str
    link: str | None
    counts: tuple[Count | None, ...]


def blueprint(site: Site) -> Blueprint:
    """The route of the first page."""
    routes = Blueprint("home", __name__)
    routes.add_url_rule("/", endpoint="home", view_func=partial(_home, site))
    return routes


def _home(site: Site) -> Response:
    offer = Offer(HTML, HTML.content_type)
    conditions = Conditions(site.version(), False, (offer,))
    unchanged = conditions.unchanged()
    if unchanged is not None:
        return unchanged
    version = conditions.version
    stages = _stages(site.rows_of("initiatives-by-stage", version))
    barriers = _barriers(site, site.rows_of("barriers-by-stage", version), stages)
    body = render_template(
        "home.html",
        stages=stages,
        most=max((stage.count.number for stage in stages), default=0),
        barriers=barriers,
        most_met=max(
            (count.number for barrier in barriers for count in barrier.counts if count), default=0
        ),
        version=version,
        claims=claims(site, version),
    )
    return conditions.mark(Response(body, content_type=HTML.content_type), offer)


def _stages(table: Table) -> tuple[Stage, ...]:
    return tuple(
        Stage(
            _iri(row.get("stage")),
            row["stageLabel"].value,
            Count(
                int(row["initiatives"].value),
                _query("initiatives-at-stage", stage=_slug(row["stage"]))
                if "stage" in row
                else _query("initiatives-without-stage"),
            ),
            int(row["secondary"].value),
        )
        for row in table.rows
    )


def _barriers(site: Site, table: Table, stages: tuple[Stage, ...]) -> tuple[BarrierCounts, ...]:
    found: dict[str, dict[str, Count]] = {}
    names: dict[str, str] = {}
    for row in table.rows:
        barrier, stage = row["barrier"], row.get("stage")
        names[barrier.value] = row["barrierLabel"].value
        found.setdefault(barrier.value, {})[_iri(stage)] = Count(
            int(row["initiatives"].value), _facing(barrier, stage)
        )
    totals = {iri: sum(count.number for count in counts.values()) for iri, counts in found.items()}
    ordered = sorted(found, key=lambda iri: (-totals[iri], names[iri]))
    return tuple(
        BarrierCounts(names[iri], site.path(iri), tuple(found[iri].get(s.iri) for s in stages))
        for iri in ordered
    )


def _facing(barrier: Cell, stage: Cell | None) -> str:
    """What lists the initiatives that a number counts."""
    if stage is None:
        return _query("initiatives-facing-barrier", barrier=_slug(barrier), unplaced="1")
    return _query("initiatives-facing-barrier", barrier=_slug(barrier), stage=_slug(stage))


def _iri(cell: Cell | None) -> str:
    return cell.value if cell else ""


def _slug(cell: Cell) -> str:
    return cell.value.rpartition("/")[2]


def _query(name: str, **values: str) -> str:
    return f"/queries/{name}" + (f"?{urlencode(values)}" if values else "")
