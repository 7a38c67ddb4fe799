"""The questions of the self-assessment, in their steps, generated from the shapes.

Each criterion of a stage is a question, unless other questions ask for all of its properties. The
other questions and the steps are in ``shapes/self-assessment.ttl``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.model.files import files, read
from coprod_kg.model.graph import Graph
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import expand, shorten
from coprod_kg.model.schemes import Concept, schemes
from coprod_kg.selfassessment.asked import AskedProperty, SubmissionShapes, properties_asked
from coprod_kg.selfassessment.questions import DOCUMENTS, PARTS, Field, Kind, Option, Question, Step
from coprod_kg.validation.profiles import Criterion, Profile, Profiles

__all__ = ["Questionnaire", "of_files", "questionnaire"]

_CRITERION_ORDER: Final = 100
"""Factor of a criterion's rank in the order of a step: it exceeds every order within a rank."""
_UNASKED_STEP: Final = "Step-supports"
"""The step of criteria that name none."""
_LONG: Final = frozenset({expand("dcterms:description")})
_LINES: Final = frozenset({expand("rdfs:label")})


class Questionnaire:
    """The steps, questions and fields of the self-assessment.

    Attributes:
        steps: the steps in order.
        questions: name → question.
        fields: name in the form → field.
        submissions: the properties in the submission shapes.
    """

    def __init__(self, shapes: Graph, profiles: Profiles, submissions: SubmissionShapes) -> None:
        """Generate the questions.

        Args:
            shapes: the shapes of the profiles and of the other questions.
            profiles: the same profiles, compiled.
            submissions: the properties in the submission shapes.
        """
        self._shapes = shapes
        self.submissions = submissions
        self._concepts = Model.installed().concepts
        questions = [*self._own_questions(), *self._criterion_questions(profiles.profiles)]
        groups = list(shapes.instances("sh:PropertyGroup"))
        groups.sort(key=lambda node: int(shapes.value(node, "sh:order").value))
        self.steps = tuple(
            Step(
                number,
                _local(node),
                shapes.texts(node, "rdfs:label"),
                tuple(
                    sorted(
                        (question for question in questions if question.step == _local(node)),
                        key=lambda question: (question.order, question.name),
                    )
                ),
            )
            for number, node in enumerate(groups, 1)
        )
        self.questions: Mapping[str, Question] = MappingProxyType(
            {question.name: question for step in self.steps for question in step.questions}
        )
        self.fields: Mapping[str, Field] = MappingProxyType(
            {
                form_field.name: form_field
                for question in self.questions.values()
                for form_field in question.fields
            }
        )

    def options(self, iris: frozenset[str]) -> tuple[Option, ...]:
        """Concepts as options, in the order of their scheme, or of their names."""
        concepts = [self._concepts[iri] for iri in iris if iri in self._concepts]
        concepts.sort(key=lambda concept: (concept.rank, concept.slug))
        return tuple(self._option(concept) for concept in concepts)

    def field(self, name: str) -> Field | None:
        """The field of this name in the form: also one of a barrier, a role, or a document."""
        if name in self.fields:
            return None if self.fields[name].per else self.fields[name]
        question, _, rest = name.partition(".")
        number, _, part = rest.partition(".")
        tied_field = self.fields.get(f"{question}.{part}")
        if tied_field is not None and tied_field.per:
            return (
                replace(tied_field, name=name)
                if number in self.fields[tied_field.per].keys
                else None
            )
        parent = self.fields.get(question)
        if parent is None:
            return None
        fits = (
            number in parent.keys
            if parent.kind is Kind.BARRIERS
            else parent.kind is Kind.DOCUMENTS and number in DOCUMENTS
        )
        kind, prop = PARTS.get((parent.kind, part), (None, ""))
        if not fits or kind is None:
            return None
        options: tuple[Option, ...] = ()
        if kind in (Kind.CHOICE, Kind.CHOICES) and prop:
            options = self.options(self._leaves(self.submissions.concepts(prop)))
        return Field(name, kind, parent.claim, prop, options)

    def is_criterion_state(self, name: str) -> bool:
        """Whether a field of this name holds the answer to whether a criterion holds."""
        return name in self.questions and self.questions[name].criterion is not None

    def _option(self, concept: Concept) -> Option:
        graph = self.submissions.background
        node = ox.NamedNode(concept.iri)
        broader = graph.value(node, "skos:broader")
        return Option(
            shorten(concept.iri),
            concept,
            graph.texts(node, "skos:definition"),
            self._concepts.get(broader.value) if broader is not None else None,
        )

    def _own_questions(self) -> Iterator[Question]:
        """The questions that no criterion asks."""
        shapes = self._shapes
        for node in shapes.instances("sh:PropertyShape"):
            if shapes.is_a(node, "cp:Criterion"):
                continue
            name = _local(node)
            yield Question(
                name,
                _local(shapes.value(node, "sh:group")),
                int(shapes.value(node, "sh:order").value),
                shapes.texts(node, "sh:name"),
                shapes.texts(node, "sh:description"),
                {},
                (self._own_field(name, shapes.value(node, "sh:path")),),
                needed=shapes.value(node, "sh:severity") is None,
            )

    def _own_field(self, name: str, path: Any) -> Field:
        steps = list(self._shapes.members(path)) if self._shapes.is_list(path) else [path]
        prop = steps[-1].value
        claim = ""
        if len(steps) > 1 and isinstance(steps[0], ox.BlankNode):
            claim = self.submissions.claim_with(prop) or expand("cp:Claim")
            if prop == expand("cp:stage"):
                claim = expand("cp:StageAssessment")
        concepts = self.submissions.concepts(prop)
        if prop == expand("cp:country"):
            concepts = frozenset(country.iri for country in schemes()["country"].concepts.values())
        options = self.options(self._leaves(concepts) if claim else concepts)
        kind = self._kind(prop, options)
        if prop == expand("cp:barrier"):
            kind = Kind.BARRIERS
        elif prop == expand("cp:supportedBy"):
            kind = Kind.DOCUMENTS
            options = self.options(self.submissions.concepts(expand("cp:evidenceKind")))
        elif prop == expand("cp:enabler"):
            kind = Kind.CHOICES
        elif options:
            kind = Kind.CHOICE
        return Field(name, kind, claim, prop, options)

    def _leaves(self, concepts: frozenset[str]) -> frozenset[str]:
        """Concepts that none is narrower than: a group of barriers is no barrier."""
        broader = {value.value for _, value in self.submissions.background.pairs("skos:broader")}
        return frozenset(concepts - broader) or concepts

    def _kind(self, prop: str, options: Sequence[Option]) -> Kind:
        if options:
            return Kind.CHOICE if prop in self.submissions.single else Kind.CHOICES
        if prop in self.submissions.dates:
            return Kind.DATE
        if prop in self.submissions.whole_numbers:
            return Kind.NUMBER
        return Kind.LINE if prop in _LINES else Kind.TEXT

    def _criterion_questions(self, profiles: Sequence[Profile]) -> Iterator[Question]:
        """The criteria that ask for something which no other question does."""
        own_properties = {
            form_field.prop
            for question in self._own_questions()
            for form_field in question.fields
            if not form_field.claim
        }
        own_properties |= {expand("cp:runBy")}
        offered: set[tuple[str, str, str]] = set()
        seen: set[str] = set()
        for profile in profiles:
            culture = profile.stage.endswith("/culture")
            for criterion in profile.criteria:
                if criterion.iri in seen or criterion.only_excludes:
                    continue
                seen.add(criterion.iri)
                question = self._criterion(
                    criterion, profile, own_properties, offered, culture=culture
                )
                if question is not None:
                    yield question

    def _criterion(
        self,
        criterion: Criterion,
        profile: Profile,
        own_properties: set[str],
        offered: set[tuple[str, str, str]],
        *,
        culture: bool,
    ) -> Question | None:
        shapes, node = self._shapes, ox.NamedNode(criterion.iri)
        assumed = self._assumed(node)
        allowed = {value.value for value in shapes.objects(node, "cps:asks")}
        asked_properties = [
            candidate
            for candidate in properties_asked(shapes, node, self.submissions, assumed)
            if (candidate.claim or candidate.prop not in own_properties)
            and (not allowed or candidate.prop in allowed)
        ]
        indirect = {
            (candidate.claim, candidate.prop, value)
            for candidate in asked_properties
            if candidate.indirect
            for value in candidate.values or ("",)
        }
        asked_properties = [candidate for candidate in asked_properties if not candidate.indirect]
        # A property of an organisation's initiatives is asked with the initiative already.
        if not asked_properties or indirect & offered:
            return None
        if not culture:
            offered |= {
                (candidate.claim, candidate.prop, value)
                for candidate in asked_properties
                for value in candidate.values or ("",)
            }
        name = _local(node)
        group = shapes.value(node, "sh:group")
        words_by_language = {
            language: criterion.words(language) for language in criterion.translations
        }
        return Question(
            name,
            _local(group) if group is not None else _UNASKED_STEP,
            _CRITERION_ORDER * (1 + profile.rank) + criterion.order,
            {language: words.name for language, words in words_by_language.items()},
            {language: words.description for language, words in words_by_language.items()},
            {language: words.examples for language, words in words_by_language.items()},
            self._tie(
                [
                    self._field(name, candidate, only_one=len(asked_properties) == 1)
                    for candidate in asked_properties
                ]
            ),
            criterion,
            culture,
            assumed,
            criterion.required,
        )

    def _tie(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """Fields, each tied to the key field of its claim: each key value is a claim of its own."""
        keys = {
            form_field.claim: form_field
            for form_field in fields
            if form_field.options
            and form_field.prop in self.submissions.required(form_field.claim)[:1]
        }
        return tuple(
            replace(form_field, per=keys[form_field.claim].name)
            if keys.get(form_field.claim, form_field) is not form_field
            else form_field
            for form_field in fields
        )

    def _field(self, question: str, candidate: AskedProperty, *, only_one: bool) -> Field:
        local = candidate.prop.replace("#", "/").rpartition("/")[2]
        options = self.options(candidate.values) if candidate.values is not None else ()
        implied = only_one and len(options) == 1
        kind = self._kind(candidate.prop, options)
        if (
            options
            and candidate.claim
            and candidate.prop in self.submissions.required(candidate.claim)
        ):
            kind = Kind.CHOICES  # a claim for each of them
        return Field(f"{question}.{local}", kind, candidate.claim, candidate.prop, options, implied)

    def _assumed(self, node: ox.NamedNode) -> dict[str, str]:
        assumption = self._shapes.value(node, "cps:assumes")
        if assumption is None:
            return {}
        return {
            prop.value: self._shapes.value(assumption, prop).value
            for prop in self._shapes.properties(assumption)
        }


@cache
def questionnaire() -> Questionnaire:
    """The questions of this installation, generated once in each process."""
    model = Model.installed()
    profiles = Profiles(model.stages, model.graph)
    return of_files(Graph(read(*model.stages, files("shapes") / "self-assessment.ttl")), profiles)


def of_files(shapes: Graph, profiles: Profiles) -> Questionnaire:
    """The questions of some profiles, with the other questions in the shapes."""
    model = Model.installed()
    return Questionnaire(shapes, profiles, SubmissionShapes(model.submission, model.graph))


def _local(node: Any) -> str:
    return str(node.value).rpartition("#")[2]
