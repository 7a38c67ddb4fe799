"""The page of an initiative: where it stands and why, its history, barriers, who takes part."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from flask import Response

from coprod_kg.errors import NotFound
from coprod_kg.formats.table import Cell
from coprod_kg.web.explorer.assessed import assessed
from coprod_kg.web.explorer.page import Page
from coprod_kg.web.explorer.timeline import timeline
from coprod_kg.web.thing_address import refuse_withdrawn

__all__ = ["facts_of", "initiative"]

_TOLD: Final = ("phase", "contribution", "influence")
"""What a participation may say of itself."""


def initiative(page: Page, name: str) -> Response:
    """The page of one initiative."""
    iri = page.iri("initiative", name)
    found = assessed(page, [iri])
    if not found:
        refuse_withdrawn(page.site, iri, page.version)
        raise NotFound(
            "no initiative here has this name",
            where=name[:80],
            fix="Look for it by one word of its name at /search, or begin at /board.",
        )
    history = page.ask("initiative-history", initiative=name).rows
    participations = _participations(page.ask("view-participations", thing=name).rows)
    return page.render(
        "explorer/initiative.html",
        slug=name,
        iri=iri,
        title=page.names([iri]).get(iri, Cell("literal", found[0].values["label"])),
        facts=facts_of(page, iri),
        assessed=found[0],
        history=history,
        timeline=timeline(history, datetime.now(UTC).year),
        participations=participations,
        marks="x" if any(not one[told] for one in participations for told in _TOLD) else "",
        claims=page.site.claims(page.version, iri),
    )


def facts_of(page: Page, iri: str) -> dict[str, list[tuple[Cell, str | None]]]:
    """What heads the page of a subject: property → its values, each with its page."""
    facts: dict[str, list[tuple[Cell, str | None]]] = {}
    for row in page.ask("view-subject", thing=iri).rows:
        value = row["value"]
        shown = row["valueLabel"] if value.kind == "uri" else value
        link = page.place(value.value) if value.kind == "uri" else None
        if row["property"].value == "source":
            shown, link = value, value.value if value.value.startswith("http") else None
        facts.setdefault(row["property"].value, []).append((shown, link))
    return facts


def _participations(rows: Iterable[Mapping[str, Cell]]) -> list[dict[str, list[str]]]:
    """One entry for each participation: role, participant, phases, contributions, say."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        entry = found.setdefault(row["participation"].value, {})
        for column in ("role", "participant", *_TOLD):
            values = entry.setdefault(column, [])
            if column in row and row[f"{column}Label"].value not in values:
                values.append(row[f"{column}Label"].value)
    return list(found.values())
