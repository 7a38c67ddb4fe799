"""Content of a resource's page: its statements, claims and mentions, grouped and sorted."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from coprod_kg.formats.table import Cell
from coprod_kg.model.namespaces import last_part
from coprod_kg.web.pages.table import DisplayCell, show, words
from coprod_kg.web.site import Site

__all__ = ["ClaimView", "Evidence", "PropertyValues", "ResourceView", "resource_view"]

_LABELS: Final = (
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://www.w3.org/2004/02/skos/core#prefLabel",
)
_RUN_BY: Final = "https://w3id.org/coprod/ontology#runBy"
_TYPE: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_DESCRIPTIONS: Final = (
    "http://purl.org/dc/terms/description",
    "http://www.w3.org/2004/02/skos/core#definition",
)
_PARTS: Final = {
    "statements": "what is stated of it",
    "claims": "what is claimed about it",
    "claim-values": "what the claims say",
    "mentions": "what refers to it",
}
Row = dict[str, Cell]


@dataclass(slots=True)
class PropertyValues:
    """A property and its values; ``computed`` where rules concluded them and nobody stated them.

    Its ``graphs`` are those in which the statements stand.
    """

    name: DisplayCell
    values: list[DisplayCell] = field(default_factory=list)
    computed: bool = False
    graphs: list[DisplayCell] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What supports a claim."""

    title: DisplayCell
    citation: str | None
    page: DisplayCell | None


@dataclass(slots=True)
class ClaimView:
    """One claim about the thing: what it says, who says so, on what grounds."""

    itself: DisplayCell
    kinds: list[DisplayCell] = field(default_factory=list)
    agents: list[DisplayCell] = field(default_factory=list)
    bases: list[DisplayCell] = field(default_factory=list)
    says: list[PropertyValues] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    dates: str = ""


@dataclass(frozen=True, slots=True)
class ResourceView:
    """Everything a resource's page shows; ``too_much`` names the parts left out for their size."""

    title: str
    kinds: tuple[DisplayCell, ...]
    descriptions: tuple[DisplayCell, ...]
    stated: tuple[PropertyValues, ...]
    claims: tuple[ClaimView, ...]
    mentions: tuple[PropertyValues, ...]
    too_much: tuple[str, ...]


def resource_view(site: Site, iri: str, version: int) -> ResourceView:
    """Query the store for all that a resource's page shows, and sort it."""
    found = {name: site.about(f"view-{name}", iri, version).table() for name in _PARTS}
    tables = {name: table.rows if table else () for name, table in found.items()}
    by_property: dict[str, list[Row]] = {}
    for row in tables["statements"]:
        by_property.setdefault(row["property"].value, []).append(row)
    owners = _owners(site, iri, by_property.get(_RUN_BY, ()))
    for name in _LABELS:  # a thing is called what its owner calls it, whatever others wrote
        rows = by_property.get(name, [])
        rows.sort(key=lambda row: "graph" not in row or row["graph"].value not in owners)
    values = {name: _values(site, rows) for name, rows in by_property.items()}
    names = [cell for label in _LABELS for cell in values.get(label, ())]
    english = next((cell.text for cell in names if cell.language in ("en", None)), None)
    title = english or (names[0].text if names else _unlabelled(site, iri))
    about = [cell for name in _DESCRIPTIONS for cell in values.get(name, ())]
    apart = (*_LABELS[:1], _TYPE, *_DESCRIPTIONS)
    return ResourceView(
        title,
        tuple(values.get(_TYPE, ())),
        tuple(about),
        tuple(_said(site, rows) for name, rows in by_property.items() if name not in apart),
        _claims(site, tables["claims"], tables["claim-values"]),
        _mentions(site, tables["mentions"]),
        tuple(said for name, said in _PARTS.items() if found[name] is None),
    )


def _unlabelled(site: Site, iri: str) -> str:
    """A title for what has no label: records are told by their kind."""
    kind, _, name = iri.removeprefix(site.settings.base_iri).partition("/")
    words = {"graph": "Graph", "version": "Version", "submission": "Submission", "model": "Model"}
    return f"{words[kind]} {name}" if kind in words else iri.rpartition("/")[2]


def _owners(site: Site, iri: str, run_by: Iterable[Row]) -> set[str]:
    """The graphs of the organisation that a thing is, or of those that run it."""
    stem = f"{site.settings.base_iri}id/organisation/"
    things = [iri, *(row["value"].value for row in run_by)]
    return {
        f"{site.settings.base_iri}graph/organisation/{thing.removeprefix(stem)}"
        for thing in things
        if thing.startswith(stem)
    }


def _values(site: Site, found: Iterable[Row]) -> list[DisplayCell]:
    shown = [show(site, row["value"], row.get("valueLabel")) for row in found]
    return list(dict.fromkeys(shown))


def _said(site: Site, found: list[Row]) -> PropertyValues:
    first = found[0]
    name = _property(first)
    concluded = f"{site.settings.base_iri}graph/assessment/"
    graphs = [row["graph"].value for row in found if "graph" in row]
    computed = bool(graphs) and all(graph.startswith(concluded) for graph in graphs)
    stem = f"{site.settings.base_iri}graph/"
    places = [
        DisplayCell(graph.removeprefix(stem), site.path(graph), graph)
        for graph in dict.fromkeys(graphs)
    ]
    return PropertyValues(name, _values(site, found), computed, places)


def _property(row: Row) -> DisplayCell:
    """The name of a property: its label, or the last part of its IRI as words."""
    label, iri = row.get("propertyLabel"), row["property"].value
    return DisplayCell(label.value if label else words(last_part(iri)), title=iri)


def _mentions(site: Site, found: Iterable[Row]) -> tuple[PropertyValues, ...]:
    by_property: dict[str, PropertyValues] = {}
    for row in found:
        said = by_property.setdefault(row["property"].value, PropertyValues(_property(row)))
        said.values.append(show(site, row["source"], row.get("sourceLabel")))
    return tuple(by_property.values())


def _claims(site: Site, made: Iterable[Row], values: Iterable[Row]) -> tuple[ClaimView, ...]:
    claims: dict[str, ClaimView] = {}
    for row in made:
        name = row["claim"].value
        if name not in claims:
            claims[name] = ClaimView(show(site, row["claim"], row.get("claimLabel")))
        _grow(site, claims[name], row)
    by_claim: dict[str, dict[str, list[Row]]] = {}
    for row in values:
        found = by_claim.setdefault(row["claim"].value, {})
        found.setdefault(row["property"].value, []).append(row)
    for name, properties in by_claim.items():
        if name in claims:
            claims[name].kinds = _values(site, properties.get(_TYPE, ()))
            claims[name].says = [
                _said(site, rows) for path, rows in properties.items() if path != _TYPE
            ]
    return tuple(claims.values())


def _grow(site: Site, claim: ClaimView, row: Row) -> None:
    """Add what one more row says of a claim; the rows repeat what does not change."""
    if "agent" in row:
        _first(claim.agents, show(site, row["agent"], row.get("agentLabel")))
    if "basis" in row:
        _first(claim.bases, show(site, row["basis"], row.get("basisLabel")))
    if "comment" in row:
        _once(claim.comments, row["comment"].value)
    if "evidence" in row:
        page = show(site, row["page"]) if "page" in row else None
        title = show(site, row["evidence"], row.get("evidenceLabel"))
        citation = row["citation"].value if "citation" in row else None
        _once(claim.evidence, Evidence(title, citation, page))
    claim.dates = claim.dates or _dates(row)


def _dates(row: Row) -> str:
    words = (("claimedOn", "claimed"), ("validFrom", "holds from"), ("validUntil", "until"))
    return ", ".join(f"{word} {row[name].value}" for name, word in words if name in row)


def _first(found: list[DisplayCell], cell: DisplayCell) -> None:
    """Keep one of several labels of the same thing."""
    if cell.title not in (other.title for other in found):
        found.append(cell)


def _once(found: list[Any], value: object) -> None:
    if value not in found:
        found.append(value)
