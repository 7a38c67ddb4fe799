"""The parts of the self-assessment: its steps, their questions, and the fields of a question."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from coprod_kg.model.namespaces import expand
from coprod_kg.model.schemes import Concept
from coprod_kg.validation.profiles import Criterion

__all__ = ["DOCUMENTS", "PARTS", "Field", "Kind", "Option", "Question", "Step"]

DOCUMENTS: Final = ("1", "2", "3")
"""The documents that can be named."""


class Kind(StrEnum):
    """How a field is filled in."""

    LINE = "line"
    TEXT = "text"
    DATE = "date"
    NUMBER = "number"
    ADDRESS = "address"
    QUESTIONS = "questions"
    CHOICE = "choice"
    CHOICES = "choices"
    BARRIERS = "barriers"
    DOCUMENTS = "documents"


PARTS: Final = {
    (Kind.BARRIERS, "status"): (Kind.CHOICE, expand("cp:barrierStatus")),
    (Kind.BARRIERS, "by"): (Kind.CHOICE, expand("cp:overcomeBy")),
    (Kind.DOCUMENTS, "title"): (Kind.LINE, expand("rdfs:label")),
    (Kind.DOCUMENTS, "page"): (Kind.ADDRESS, expand("foaf:page")),
    (Kind.DOCUMENTS, "kind"): (Kind.CHOICE, expand("cp:evidenceKind")),
    (Kind.DOCUMENTS, "issued"): (Kind.DATE, expand("dcterms:issued")),
    (Kind.DOCUMENTS, "independence"): (Kind.CHOICE, expand("cp:hasIndependence")),
    (Kind.DOCUMENTS, "shows"): (Kind.QUESTIONS, ""),
}
"""The fields of each barrier that is chosen, and of each document."""


@dataclass(frozen=True, slots=True)
class Option:
    """One concept that can be chosen.

    Attributes:
        key: its short name, as the form sends it.
        concept: the concept.
        definitions: language → its definition.
        group: its broader concept, or None.
    """

    key: str
    concept: Concept
    definitions: Mapping[str, str]
    group: Concept | None = None

    def label(self, language: str) -> str:
        """What it is called in a language."""
        return self.concept.label(language)

    def definition(self, language: str) -> tuple[str, str]:
        """Its definition in a language, else in English; and the language that it is in."""
        if language in self.definitions:
            return self.definitions[language], language
        return self.definitions.get("en", ""), "en"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a question.

    Attributes:
        name: as the form sends it.
        kind: how it is filled in.
        claim: the class of the claim that it describes; empty where it is the subject itself.
        prop: the property that it gives a value.
        options: the choices.
        implied: whether its one value is given with the answer, so that nothing is shown.
        per: the field for each of whose chosen values this one is asked, as the contributions are
            for each role; or an empty text.
    """

    name: str
    kind: Kind
    claim: str
    prop: str
    options: tuple[Option, ...] = ()
    implied: bool = False
    per: str = ""

    def of(self, key: str) -> str:
        """Its name in the form for one value of the field that it is asked of."""
        question, _, part = self.name.partition(".")
        return f"{question}.{key}.{part}"

    @property
    def keys(self) -> frozenset[str]:
        """What can be chosen, as the form sends it."""
        return frozenset(option.key for option in self.options)


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        name: its name in the form: that of its shape.
        step: the name of its step.
        order: its place there.
        names: language → the question.
        descriptions: language → the explanation below it.
        examples: language → examples.
        fields: its fields.
        criterion: the criterion that it asks about, or None.
        of_organisation: whether it is about the organisation, not the initiative.
        assumed: property → value that each answer implies.
        needed: whether it is asked of everybody; of a criterion, whether a stage requires it.
    """

    name: str
    step: str
    order: int
    names: Mapping[str, str]
    descriptions: Mapping[str, str]
    examples: Mapping[str, Sequence[str]]
    fields: tuple[Field, ...]
    criterion: Criterion | None = None
    of_organisation: bool = False
    assumed: Mapping[str, str] = field(default_factory=dict)
    needed: bool = True

    def concerns(self, stages: Collection[str]) -> bool:
        """Whether the question matters for an initiative of some stages; else it is optional.

        Args:
            stages: where its manager places it, and what it is meant to be; none while that is
                open, and then whatever any stage requires matters.
        """
        of_stages = self.criterion.stages if self.criterion else ()
        return self.needed and (
            not of_stages or not stages or not set(stages).isdisjoint(of_stages)
        )

    def text(self, language: str) -> str:
        """The question in a language, else in English."""
        return self.names.get(language) or self.names.get("en", self.name)

    def description(self, language: str) -> str:
        """The explanation below it, likewise."""
        return self.descriptions.get(language) or self.descriptions.get("en", "")


@dataclass(frozen=True, slots=True)
class Step:
    """One page of questions.

    Attributes:
        number: its place, from 1.
        name: the name of its group in the shapes.
        labels: language → its heading.
        questions: its questions, in order.
    """

    number: int
    name: str
    labels: Mapping[str, str]
    questions: tuple[Question, ...]

    def label(self, language: str) -> str:
        """Its heading in a language, else in English."""
        return self.labels.get(language) or self.labels.get("en", self.name)
