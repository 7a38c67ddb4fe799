"""Stage profiles: the criteria of each stage, and which of them a set of statements meets.

A claim of a stage is no evidence for that stage and is left out. Of a criterion that is not met,
claims say that it does not hold, or that it was looked for and not found, or nothing (not coded);
only the first speaks against a stage. The verdicts are those of pySHACL (a test compares the two);
this engine also returns the statements that decided, and needs neither rdflib nor pySHACL.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.files import read
from coprod_kg.model.graph import RDF_TYPE, Graph
from coprod_kg.validation.constraints import SH, Shape, ShapeOutcome, compiled
from coprod_kg.validation.paths import Triples

__all__ = [
    "ORGANISATIONS",
    "Criterion",
    "CriterionFinding",
    "CriterionWords",
    "Judgement",
    "Profile",
    "Profiles",
    "Verdict",
]

_CP: Final = "https://w3id.org/coprod/ontology#"
_ORG: Final = "http://www.w3.org/ns/org#"
_RDFS: Final = "http://www.w3.org/2000/01/rdf-schema#"
_EXAMPLES: Final = ("skos:scopeNote", "skos:example")
_RANK: Final = ox.NamedNode(f"{_CP}rank")
_ABOUT: Final = ox.NamedNode(f"{_CP}about")
_UNIT_OF: Final = ox.NamedNode(f"{_ORG}unitOf")
ORGANISATIONS: Final = (
    ox.NamedNode(f"{_ORG}Organization"),
    ox.NamedNode(f"{_ORG}OrganizationalUnit"),
)
"""The classes of an organisation and of a part of one."""
_FINDING: Final = "https://w3id.org/coprod/vocab/finding/"
_SOUGHT: Final = tuple(
    ox.NamedNode(f"{_CP}looksFor{kind}")
    for kind in ("", "Barrier", "Enabler", "Condition", "Stage", "Criterion")
)


class CriterionFinding(StrEnum):
    """The finding on a criterion by all claims, as the concepts of the scheme finding."""

    HOLDS = "holds"
    CONTESTED = "contested"
    DOES_NOT_HOLD = "does-not-hold"
    NOT_FOUND = "not-found"
    NOT_CODED = "not-coded"


@dataclass(frozen=True, slots=True)
class CriterionWords:
    """The texts of a criterion in one language.

    Attributes:
        name: its name, a few words.
        description: what it looks at and why.
        message: what is missing where it is not met, and what would show it.
        examples: cases at its boundary that meet it, and after them those that do not.
    """

    name: str
    description: str
    message: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Criterion:
    """One demand of a profile.

    Attributes:
        iri: its IRI.
        name: its name, a few words.
        description: what it looks at and why.
        message: what is missing where it is not met, and what would show it.
        required: whether the stage needs it; else it supports the stage.
        order: its place among the criteria of its stages.
        stages: the stages that demand it.
        evidence: the kinds of evidence that would meet it.
        sources: where it comes from.
        note: the part of it that is the project's inference, or None.
        path: the node of its path in the shapes.
        only_excludes: whether it is met as long as no claim contradicts it.
        related: concepts that stand for it, such as a condition: a claim that one of them does not
            hold, or was not found, counts as one about the criterion.
    """

    iri: str
    name: str
    description: str
    message: str
    required: bool
    order: int
    stages: tuple[str, ...]
    evidence: tuple[str, ...]
    sources: tuple[str, ...]
    note: str | None
    path: Any
    only_excludes: bool = False
    related: tuple[str, ...] = ()
    translations: Mapping[str, CriterionWords] = field(default_factory=dict, compare=False)

    def words(self, language: str = "en") -> CriterionWords:
        """Its words in a language, else in English."""
        english = CriterionWords(self.name, self.description, self.message)
        return self.translations.get(language) or self.translations.get("en") or english


@dataclass(frozen=True, slots=True)
class Profile:
    """The criteria of one stage, or of co-production itself.

    Attributes:
        stage: IRI of the stage; empty for the profile of co-production.
        rank: its place in the order of the stages, 0 for the profile of co-production.
        criteria: its criteria in their order.
    """

    stage: str
    rank: int
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one subject meets one criterion.

    Attributes:
        criterion: the criterion.
        outcome: that of its shape.
        denied: the claims that it does not hold.
        searched: the claims that it was looked for and not found.
    """

    criterion: Criterion
    outcome: ShapeOutcome
    denied: tuple[str, ...] = ()
    searched: tuple[str, ...] = ()

    @property
    def met(self) -> bool:
        """Whether it is met."""
        return self.outcome.met

    @property
    def triples(self) -> Triples:
        """The statements that decided it; where it is missed, those that were found."""
        return self.outcome.triples

    @property
    def by_silence(self) -> bool:
        """Whether it is met only because no claim contradicts it."""
        return self.met and self.criterion.only_excludes

    @property
    def finding(self) -> CriterionFinding:
        """The finding on the criterion; without any claim it is not coded, which is no denial."""
        if self.met:
            return CriterionFinding.CONTESTED if self.denied else CriterionFinding.HOLDS
        if self.denied or self.criterion.only_excludes:
            return CriterionFinding.DOES_NOT_HOLD
        return CriterionFinding.NOT_FOUND if self.searched else CriterionFinding.NOT_CODED


@dataclass(frozen=True, slots=True)
class Judgement:
    """Everything that was checked of one subject.

    Attributes:
        subject: the initiative or organisation, as an IRI.
        profiles: the profiles that apply to it, by rank.
        verdicts: one for each of their criteria.
    """

    subject: str
    profiles: tuple[Profile, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def supported(self) -> tuple[str, ...]:
        """The highest stage whose required criteria are all met; two where two share the rank."""
        met = [profile for profile in self.profiles if profile.stage and self._all_met(profile)]
        highest_rank = max((profile.rank for profile in met), default=0)
        return tuple(profile.stage for profile in met if profile.rank == highest_rank)

    @property
    def contradicted(self) -> tuple[str, ...]:
        """The stages with a required criterion that a claim denies."""
        contradicted_criteria = {
            verdict.criterion.iri
            for verdict in self.verdicts
            if verdict.criterion.required and verdict.finding is CriterionFinding.DOES_NOT_HOLD
        }
        return tuple(
            profile.stage
            for profile in self.profiles
            if profile.stage
            and any(criterion.iri in contradicted_criteria for criterion in profile.criteria)
        )

    @property
    def co_produced(self) -> bool | None:
        """Whether both sides put something in; None where it is no initiative."""
        profiles = (profile for profile in self.profiles if not profile.stage)
        return next((self._all_met(profile) for profile in profiles), None)

    def _all_met(self, profile: Profile) -> bool:
        missed = {verdict.criterion.iri for verdict in self.verdicts if not verdict.met}
        required = (criterion.iri for criterion in profile.criteria if criterion.required)
        return missed.isdisjoint(required)


class Profiles:
    """The profiles as they stand in their files.

    Args:
        paths: Turtle files of shapes.
        background: the ontology and its schemes.

    Raises:
        ModelError: a file, a shape or a criterion is at fault.
    """

    def __init__(self, paths: Sequence[Path], background: Graph) -> None:
        self.shapes = Graph(read(*paths))
        self.background = background
        self._nodes: dict[Any, tuple[Profile, list[tuple[Criterion, Shape]]]] = {}
        """Node shape → its profile, and each of its criteria with the function that checks it."""
        criteria = {node: self._criterion(node) for node in self._nodes_of_type("PropertyShape")}
        checks = {node: compiled(self.shapes, node) for node in criteria}
        for node in self._nodes_of_type("NodeShape"):
            members = [member for member in self._values(node, "property") if member in criteria]
            ordered = sorted(
                members, key=lambda member: (criteria[member].order, criteria[member].iri)
            )
            profile = self._profile(node, [criteria[member] for member in ordered])
            self._nodes[node] = (
                profile,
                [(criteria[member], checks[member]) for member in ordered],
            )

    @cached_property
    def profiles(self) -> tuple[Profile, ...]:
        """The profiles, the lowest stage first."""
        all_profiles = (profile for profile, _ in self._nodes.values())
        return tuple(sorted(all_profiles, key=lambda profile: (profile.rank, profile.stage)))

    def judge(
        self,
        triples: Sequence[ox.Triple],
        inferred: Iterable[ox.Triple] = (),
        owner: ox.NamedNode | None = None,
    ) -> list[Judgement]:
        """Check everything that these statements describe and a profile applies to.

        A thing is described by its ``rdf:type`` among the statements; one that they only refer to
        is judged with the data that describes it.

        Args:
            triples: the data of one organisation.
            inferred: the conclusions from it.
            owner: that organisation, where it is known. Others that its data only mentions are
                judged by their own data: judged here, they would miss most criteria.
        """
        data = Graph([*triples, *inferred], self.background)
        described_things = {triple.subject for triple in triples if triple.predicate == RDF_TYPE}
        if owner is not None:
            described_things -= _mentioned(triples, owner)
        shapes_by_focus: dict[Any, list[Any]] = {}
        for node in self._nodes:
            for focus in self._targets(node, data) & described_things:
                shapes_by_focus.setdefault(focus, []).append(node)
        ordered = sorted(shapes_by_focus.items(), key=lambda item: str(item[0]))
        return [self._judge(focus, nodes, data) for focus, nodes in ordered]

    def _judge(self, focus: ox.NamedNode, nodes: Sequence[Any], data: Graph) -> Judgement:
        verdicts: dict[str, Verdict] = {}
        absences = list(_absences(data, focus))
        for node in nodes:
            for criterion, check in self._nodes[node][1]:
                if criterion.iri not in verdicts:
                    verdicts[criterion.iri] = Verdict(
                        criterion,
                        check(data, focus),
                        _claims_with_finding(absences, criterion, "does-not-hold"),
                        _claims_with_finding(absences, criterion, "not-found"),
                    )
        profiles = sorted((self._nodes[node][0] for node in nodes), key=lambda p: (p.rank, p.stage))
        return Judgement(focus.value, tuple(profiles), tuple(verdicts.values()))

    def _targets(self, node: Any, data: Graph) -> set[Any]:
        """The targets of the shape."""
        nodes: set[Any] = set()
        for target in self._values(node, "targetClass"):
            for kind in data.subclasses(target):
                nodes.update(data.own_subjects(RDF_TYPE, kind))
        for target in self._values(node, "targetSubjectsOf"):
            nodes.update(subject for subject, _ in data.pairs(target))
        return {term for term in nodes if isinstance(term, ox.NamedNode)}

    def _nodes_of_type(self, kind: str) -> list[Any]:
        subjects = self.shapes.own_subjects(RDF_TYPE, ox.NamedNode(SH + kind))
        return [term for term in subjects if isinstance(term, ox.NamedNode)]

    def _values(self, node: Any, name: str, namespace: str = SH) -> list[Any]:
        return list(self.shapes.objects(node, ox.NamedNode(namespace + name)))

    def _text(self, node: Any, name: str, namespace: str = SH) -> str:
        values = self._values(node, name, namespace)
        english = [
            value.value for value in values if getattr(value, "language", None) in (None, "en")
        ]
        if not english:
            raise ModelError(f"a criterion has sh:{name}", where=str(node), fix="Write it there.")
        return str(english[0])

    def _criterion(self, node: ox.NamedNode) -> Criterion:
        notes = self._values(node, "editorialNote", "http://www.w3.org/2004/02/skos/core#")
        sources = self._values(node, "source", "http://purl.org/dc/terms/")
        severity = self._values(node, "severity")
        return Criterion(
            iri=node.value,
            name=self._text(node, "name"),
            description=self._text(node, "description"),
            message=self._text(node, "message"),
            required=severity != [ox.NamedNode(f"{SH}Warning")],
            order=int(self._text(node, "order")),
            stages=tuple(sorted(term.value for term in self._values(node, "criterionOf", _CP))),
            evidence=tuple(sorted(term.value for term in self._values(node, "evidencedBy", _CP))),
            sources=tuple(sorted(term.value for term in sources)),
            note=notes[0].value if notes else None,
            path=self.shapes.value(node, ox.NamedNode(f"{SH}path")),
            only_excludes=any(
                flag.value == "true" for flag in self._values(node, "onlyExcludes", _CP)
            ),
            related=tuple(
                concept.value
                for concept in self._values(node, "related", "http://www.w3.org/2004/02/skos/core#")
            ),
            translations={
                language: CriterionWords(
                    name,
                    self.shapes.text(node, "sh:description", language),
                    self.shapes.text(node, "sh:message", language),
                    self._examples(node, language),
                )
                for language, name in self.shapes.texts(node, "sh:name").items()
            },
        )

    def _examples(self, node: ox.NamedNode, language: str) -> tuple[str, ...]:
        texts = (self.shapes.text(node, name, language) for name in _EXAMPLES)
        return tuple(text for text in texts if text)

    def _profile(self, node: ox.NamedNode, criteria: Sequence[Criterion]) -> Profile:
        """The profile of a node shape: its stage is the one that all its criteria are of.

        One that decides on a class instead names it by ``rdfs:seeAlso``.
        """
        stages = (
            set.intersection(*(set(criterion.stages) for criterion in criteria))
            if criteria
            else set()
        )
        if not stages and self._values(node, "seeAlso", _RDFS):
            return Profile("", 0, tuple(criteria))
        if len(stages) != 1:
            raise ModelError(
                "the criteria of a profile have not exactly one stage in common",
                where=str(node),
                fix="Give each of them cp:criterionOf with the stage of the profile.",
            )
        (stage,) = stages
        rank = self.background.value(ox.NamedNode(stage), _RANK)
        if rank is None:
            raise ModelError("this stage has no cp:rank in the scheme of stages", where=stage)
        return Profile(stage, int(rank.value), tuple(criteria))


_Absence = tuple[str, str, frozenset[str]]
"""A claim of absence: its name, its finding and what it looks for."""


def _mentioned(triples: Iterable[ox.Triple], owner: ox.NamedNode) -> set[Any]:
    """The organisations that are neither the owner nor a unit of it, and that no claim is about."""
    units: dict[Any, Any] = {}
    mentioned: set[Any] = set()
    own_organisations: set[Any] = {owner}
    for triple in triples:
        if triple.predicate == RDF_TYPE and triple.object in ORGANISATIONS:
            mentioned.add(triple.subject)
        elif triple.predicate == _ABOUT:
            own_organisations.add(triple.object)
        elif triple.predicate == _UNIT_OF:
            units[triple.subject] = triple.object
    mentioned -= own_organisations
    while own_units := {unit for unit in mentioned if units.get(unit) in own_organisations}:
        mentioned -= own_units
        own_organisations |= own_units
    return mentioned


def _absences(data: Graph, focus: ox.NamedNode) -> Iterable[_Absence]:
    """The claims of absence about a subject."""
    for claim in data.subjects(_ABOUT, focus):
        finding = data.value(claim, ox.NamedNode(f"{_CP}hasFinding"))
        sought = frozenset(
            concept.value for name in _SOUGHT for concept in data.objects(claim, name)
        )
        if finding is not None and sought:
            yield claim.value, finding.value.removeprefix(_FINDING), sought


def _claims_with_finding(
    absences: Iterable[_Absence], criterion: Criterion, finding: str
) -> tuple[str, ...]:
    """The claims that have this finding on a criterion."""
    return tuple(
        [
            name
            for name, claim_finding, sought in absences
            if claim_finding == finding
            and (criterion.iri in sought or not sought.isdisjoint(criterion.related))
        ]
    )
