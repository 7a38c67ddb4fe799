"""Candidates for a name: what is called so, how well it fits and why, and which one is certain."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from coprod_kg.formats.table import Cell
from coprod_kg.model.namespaces import expand
from coprod_kg.queries.labels import best, concepts
from coprod_kg.web.explorer.languages import catalogue
from coprod_kg.web.explorer.page import Page
from coprod_kg.web.name_index import NAME, Match, plain
from coprod_kg.web.names import kind_of, names
from coprod_kg.web.protocol import is_iri

__all__ = ["KINDS", "Candidate", "Entity", "Found", "Wanted", "entities", "found", "values_of"]

KINDS: Final[Mapping[str, str]] = {
    "organisation": "org:Organization",
    "initiative": "cp:Initiative",
    "barrier": "cp:Barrier",
    "enabler": "cp:Enabler",
    "role": "cp:Role",
    "sector": "cp:Sector",
    "stage": "cp:Stage",
    "country": "cp:Country",
}
"""The kinds of things that names are matched with, and the class of each."""

_COMPARED: Final = 20
"""So many of those that fit best are asked for the values of properties."""
_NOT_WHOLE: Final = 0.95
"""What is left of a score where the name differs, if only by an accent."""
_CONTRADICTED: Final = 0.5
"""What is left of a score for each property that has other values."""
_ASKED: Final = 50
"""Things whose values are asked for at once."""
_DESCRIBING: Final = ("cp:runBy", "cp:country")

Values: TypeAlias = dict[str, dict[str, list[tuple[Cell, list[Cell]]]]]
"""Thing → property → its values, each with its names."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Attributes:
        text: the name, or an IRI; empty where only properties say what it is.
        kinds: the kinds of things that it may be.
        properties: property → the values that it is to have one of: an IRI, or a text.
        limit: at most so many candidates.
    """

    text: str
    kinds: Collection[str]
    properties: Mapping[str, Sequence[str]] = field(default_factory=dict)
    limit: int = 10


@dataclass(frozen=True, slots=True)
class Found:
    """A thing that fits.

    Attributes:
        iri: its IRI.
        score: from 0 to 100.
        features: what the score is made of.
        match: whether it is certain.
    """

    iri: str
    score: float
    features: Mapping[str, float | bool]
    match: bool


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing as people are shown it.

    Attributes:
        iri: its IRI.
        kind: one of `KINDS`.
        name: in the reader's language, where it has one in that.
        description: what tells it from its namesakes.
    """

    iri: str
    kind: str
    name: str
    description: str

    @property
    def told(self) -> dict[str, str]:
        """Its description, where it has one."""
        return {"description": self.description} if self.description else {}

    def typed(self, language: str) -> dict[str, str]:
        """Its type, as the Reconciliation API has it."""
        return {"id": expand(KINDS[self.kind]), "name": kind_name(self.kind, language)}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A thing that fits, as people are shown it."""

    entity: Entity
    found: Found

    def described(self, language: str) -> dict[str, Any]:
        """As the Reconciliation API has it."""
        features = [{"id": name, "value": value} for name, value in self.found.features.items()]
        return {
            "id": self.entity.iri,
            "name": self.entity.name,
            **self.entity.told,
            "type": [self.entity.typed(language)],
            "score": self.found.score,
            "features": features,
            "match": self.found.match,
        }


def kind_name(kind: str, language: str) -> str:
    """What a kind of thing is called in a language."""
    return catalogue(language).get(kind, (kind,))[0]


def found(page: Page, wanted: Wanted) -> list[Found]:
    """What fits, the best first.

    A thing is certain where it alone has that very name (but for case and signs) and no property
    that is asked for has other values.
    """
    if not wanted.text:
        return _valued(page, wanted)
    if is_iri(wanted.text) and kind_of(page.site, wanted.text) in wanted.kinds:
        if entities(page, [wanted.text]):
            return [Found(wanted.text, 100.0, {"identifier": True}, match=True)]
        return []
    matches = _matches(page, wanted) or _matches(page, wanted, partly=True)
    # A thing that has this very name is compared, however many fit better by another one.
    matches.sort(key=lambda match: not match.whole)
    most = max(wanted.limit, _COMPARED)
    whole = sum(match.whole for match in matches)
    values = values_of(page, [match.entry.iri for match in matches[:most]], wanted.properties)
    ranked = [_scored(page, match, wanted, values) for match in matches[:most]]
    ranked.sort(key=lambda scored: -scored.score)
    certain = [candidate.iri for candidate in ranked if candidate.match] if whole <= most else []
    return [
        Found(
            candidate.iri,
            candidate.score,
            candidate.features,
            candidate.match and len(certain) == 1,
        )
        for candidate in ranked[: wanted.limit]
    ]


def _matches(page: Page, wanted: Wanted, *, partly: bool = False) -> list[Match]:
    index = names(page.site, page.version)
    matches = index.find(wanted.text, partly=partly)
    return [
        match
        for match in matches
        if match.entry.kind in wanted.kinds and match.entry.weight > NAME  # and no definition
    ]


def _scored(page: Page, match: Match, wanted: Wanted, values: Values) -> Found:
    """One candidate; it matches where it may be the certain one."""
    score = 1.0 if match.whole else _NOT_WHOLE * match.score
    features: dict[str, float | bool] = {
        "whole_name": match.whole,
        "words": round(match.words, 3),
        "surplus_words": match.surplus,
        "kind_of_name": match.entry.weight,
    }
    agreeing = _agreeing(page, wanted, values.get(match.entry.iri, {}))
    for name, agrees in agreeing.items():
        features[name] = agrees
        score *= 1.0 if agrees else _CONTRADICTED
    certain = match.whole and all(agreeing.values())
    return Found(match.entry.iri, round(100 * score, 1), features, certain)


def _agreeing(
    page: Page, wanted: Wanted, values: Mapping[str, list[tuple[Cell, list[Cell]]]]
) -> dict[str, bool]:
    """Whether a thing has the values asked for, property by property; of those it has."""
    return {
        name: any(
            _same(page, text, value, named) for text in texts for value, named in values[name]
        )
        for name, texts in wanted.properties.items()
        if name in values and texts
    }


def _same(page: Page, text: str, value: Cell, named: list[Cell]) -> bool:
    """Whether a text names a value: by its IRI, by a name or code of it, as a day or its year."""
    if text == value.value:
        return True
    if value.kind == "uri":
        concept = concepts().get(value.value)
        known = [cell.value for cell in named]
        known += [concept.slug, *concept.names] if concept else []
        return plain(text) in {plain(name) for name in known}
    if (value.datatype or "").rpartition("#")[2] in ("date", "gYear", "gYearMonth", "dateTime"):
        return len(text) >= 4 and value.value.startswith(text)
    return plain(text) == plain(value.value)


def _valued(page: Page, wanted: Wanted) -> list[Found]:
    """What has the values asked for, where no name is given; nothing of it is certain."""
    index = names(page.site, page.version)
    asked = {name: texts for name, texts in wanted.properties.items() if is_iri(name)}
    meant = {
        iri
        for texts in asked.values()
        for text in texts
        for iri in (
            [text]
            if is_iri(text)
            else [match.entry.iri for match in index.find(text) if match.whole]
        )
        if is_iri(iri)
    }
    if not meant:
        return []
    rows = page.first(
        "view-valued",
        max(wanted.limit, _COMPARED),
        **{"class": [expand(KINDS[kind]) for kind in wanted.kinds]},
        property=list(asked),
        value=sorted(meant),
    ).rows
    things = [row["thing"].value for row in rows if kind_of(page.site, row["thing"].value)]
    values = values_of(page, things, asked)
    scored = []
    for iri in things:
        agreeing = _agreeing(page, wanted, values.get(iri, {}))
        share = sum(agreeing.values()) / len(wanted.properties)
        scored.append(Found(iri, round(100 * share, 1), agreeing, match=False))
    scored.sort(key=lambda candidate: -candidate.score)
    return [candidate for candidate in scored if candidate.score][: wanted.limit]


def values_of(page: Page, things: Sequence[str], properties: Collection[str]) -> Values:
    """The values that things have of properties."""
    asked = [name for name in properties if is_iri(name)]
    gathered: Values = {}
    for start in range(0, len(things) if asked else 0, _ASKED):
        part = [iri for iri in things[start : start + _ASKED] if is_iri(iri)]
        if not part:
            continue
        for row in page.ask("view-values", thing=part, property=asked).rows:
            of = gathered.setdefault(row["thing"].value, {})
            values = of.setdefault(row["property"].value, [])
            if not values or values[-1][0] != row["value"]:
                values.append((row["value"], []))
            if "name" in row:
                values[-1][1].append(row["name"])
    return gathered


def entities(page: Page, iris: Sequence[str]) -> list[Entity]:
    """Things as people are shown them, in their order; what is not known is left out."""
    kinds = {iri: kind_of(page.site, iri) for iri in iris if is_iri(iri)}
    kinds = {iri: kind for iri, kind in kinds.items() if kind in KINDS}
    things = [iri for iri in kinds if iri not in concepts()]
    named = page.names(things)
    told = values_of(page, [iri for iri in things if iri in named], [*map(expand, _DESCRIBING)])
    shown = []
    for iri, kind in kinds.items():
        concept = concepts().get(iri)
        if concept:
            name = concept.label(page.language)
            description = concept.definition(page.language)
        elif iri in named:
            name = named[iri].value
            description = _description(page, told.get(iri, {}))
        else:
            continue
        shown.append(Entity(iri, kind, name, description))
    return shown


def _description(page: Page, told: Mapping[str, list[tuple[Cell, list[Cell]]]]) -> str:
    """By whom an initiative is run, and where it or an organisation is."""
    parts = []
    for name in map(expand, _DESCRIBING):
        labels = []
        for value, named in told.get(name, ()):
            label = page.label(value.value) if value.value in concepts() else None
            label = label or best(named, page.language) or value
            labels.append(label.value)
        parts.append(", ".join(dict.fromkeys(labels)))
    return "; ".join(part for part in parts if part)
