"""The questions of the self-assessment, in their steps, generated from the shapes.

Each criterion of a stage is a question, unless other questions ask for all that it looks at. The
rest, and the steps, stand in ``shapes/self-assessment.ttl``.
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
from coprod_kg.selfassessment.asked import Asked, Submissions, asked_by
from coprod_kg.selfassessment.questions import DOCUMENTS, PARTS, Field, Kind, Option, Question, Step
from coprod_kg.validation.profiles import Criterion, Profile, Profiles

__all__ = ["Questionnaire", "of_files", "questionnaire"]

_CRITERION_ORDER: Final = 100
"""What a criterion's rank counts for in the order of a step, after the questions of its own."""
_UNASKED_STEP: Final = "Step-supports"
"""Where a criterion is asked that names no step."""
_LONG: Final = frozenset({expand("dcterms:description")})
_LINES: Final = frozenset({expand("rdfs:label")})


class Questionnaire:
    """All that is asked.

    Attributes:
        steps: the steps in order.
        questions: name → question.
        fields: name in the form → field.
        submissions: what the submission shapes say of the properties.
    """

    def __init__(self, shapes: Graph, profiles: Profiles, submissions: Submissions) -> None:
        """Generate the questions.

        Args:
            shapes: the profiles of the stages, and what is asked besides.
            profiles: the same profiles, as they judge.
            submissions: what the submission shapes say of the properties.
        """
        self._shapes = shapes
        self._known = submissions
        self._concepts = Model.installed().concepts
        self.submissions = submissions
        asked = [*self._own(), *self._criteria(profiles.profiles)]
        groups = list(shapes.instances("sh:PropertyGroup"))
        groups.sort(key=lambda node: int(shapes.value(node, "sh:order").value))
        self.steps = tuple(
            Step(
                number,
                _local(node),
                shapes.texts(node, "rdfs:label"),
                tuple(
                    sorted(
                        (question for question in asked if question.step == _local(node)),
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
        tied = self.fields.get(f"{question}.{part}")
        if tied is not None and tied.per:
            return replace(tied, name=name) if number in self.fields[tied.per].keys else None
        of_all = self.fields.get(question)
        if of_all is None:
            return None
        fits = (
            number in of_all.keys
            if of_all.kind is Kind.BARRIERS
            else of_all.kind is Kind.DOCUMENTS and number in DOCUMENTS
        )
        kind, prop = PARTS.get((of_all.kind, part), (None, ""))
        if not fits or kind is None:
            return None
        options: tuple[Option, ...] = ()
        if kind in (Kind.CHOICE, Kind.CHOICES) and prop:
            options = self.options(self._leaves(self._known.concepts(prop)))
        return Field(name, kind, of_all.claim, prop, options)

    def states(self, name: str) -> bool:
        """Whether a name in the form is that of whether a criterion holds."""
        return name in self.questions and self.questions[name].criterion is not None

    def _option(self, concept: Concept) -> Option:
        graph = self._known.background
        node = ox.NamedNode(concept.iri)
        above = graph.value(node, "skos:broader")
        return Option(
            shorten(concept.iri),
            concept,
            graph.texts(node, "skos:definition"),
            self._concepts.get(above.value) if above is not None else None,
        )

    def _own(self) -> Iterator[Question]:
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
            claim = self._known.claim_with(prop) or expand("cp:Claim")
            if prop == expand("cp:stage"):
                claim = expand("cp:StageAssessment")
        concepts = self._known.concepts(prop)
        if prop == expand("cp:country"):
            concepts = frozenset(country.iri for country in schemes()["country"].concepts.values())
        options = self.options(self._leaves(concepts) if claim else concepts)
        kind = self._kind(prop, options)
        if prop == expand("cp:barrier"):
            kind = Kind.BARRIERS
        elif prop == expand("cp:supportedBy"):
            kind = Kind.DOCUMENTS
            options = self.options(self._known.concepts(expand("cp:evidenceKind")))
        elif prop == expand("cp:enabler"):
            kind = Kind.CHOICES
        elif options:
            kind = Kind.CHOICE
        return Field(name, kind, claim, prop, options)

    def _leaves(self, concepts: frozenset[str]) -> frozenset[str]:
        """Concepts under which no other stands: a group of barriers is no barrier."""
        broader = {value.value for _, value in self._known.background.pairs("skos:broader")}
        return frozenset(concepts - broader) or concepts

    def _kind(self, prop: str, options: Sequence[Option]) -> Kind:
        if options:
            return Kind.CHOICE if prop in self._known.single else Kind.CHOICES
        if prop in self._known.dates:
            return Kind.DATE
        if prop in self._known.whole_numbers:
            return Kind.NUMBER
        return Kind.LINE if prop in _LINES else Kind.TEXT

    def _criteria(self, profiles: Sequence[Profile]) -> Iterator[Question]:
        """The criteria that ask for something which no other question does."""
        taken = {
            form_field.prop
            for question in self._own()
            for form_field in question.fields
            if not form_field.claim
        }
        taken |= {expand("cp:runBy")}
        offered: set[tuple[str, str, str]] = set()
        done: set[str] = set()
        for profile in profiles:
            culture = profile.stage.endswith("/culture")
            for criterion in profile.criteria:
                if criterion.iri in done or criterion.only_excludes:
                    continue
                done.add(criterion.iri)
                question = self._criterion(criterion, profile, taken, offered, culture=culture)
                if question is not None:
                    yield question

    def _criterion(
        self,
        criterion: Criterion,
        profile: Profile,
        taken: set[str],
        offered: set[tuple[str, str, str]],
        *,
        culture: bool,
    ) -> Question | None:
        shapes, node = self._shapes, ox.NamedNode(criterion.iri)
        assumed = self._assumed(node)
        only = {value.value for value in shapes.objects(node, "cps:asks")}
        ways = [
            asked
            for asked in asked_by(shapes, node, self._known, assumed)
            if (asked.claim or asked.prop not in taken) and (not only or asked.prop in only)
        ]
        indirect = {
            (asked.claim, asked.prop, value)
            for asked in ways
            if asked.indirect
            for value in asked.values or ("",)
        }
        ways = [asked for asked in ways if not asked.indirect]
        # What the initiatives of an organisation show was asked of the initiative.
        if not ways or indirect & offered:
            return None
        if not culture:
            offered |= {
                (asked.claim, asked.prop, value)
                for asked in ways
                for value in asked.values or ("",)
            }
        name = _local(node)
        group = shapes.value(node, "sh:group")
        said = {language: criterion.words(language) for language in criterion.translations}
        return Question(
            name,
            _local(group) if group is not None else _UNASKED_STEP,
            _CRITERION_ORDER * (1 + profile.rank) + criterion.order,
            {language: words.name for language, words in said.items()},
            {language: words.description for language, words in said.items()},
            {language: words.examples for language, words in said.items()},
            self._tied([self._field(name, asked, alone=len(ways) == 1) for asked in ways]),
            criterion,
            culture,
            assumed,
            criterion.required,
        )

    def _tied(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """Fields, each tied to the one of the same claim for whose every value a claim is made."""
        keys = {
            form_field.claim: form_field
            for form_field in fields
            if form_field.options and form_field.prop in self._known.required(form_field.claim)[:1]
        }
        return tuple(
            replace(form_field, per=keys[form_field.claim].name)
            if keys.get(form_field.claim, form_field) is not form_field
            else form_field
            for form_field in fields
        )

    def _field(self, question: str, asked: Asked, *, alone: bool) -> Field:
        local = asked.prop.replace("#", "/").rpartition("/")[2]
        options = self.options(asked.values) if asked.values is not None else ()
        implied = alone and len(options) == 1
        kind = self._kind(asked.prop, options)
        if options and asked.claim and asked.prop in self._known.required(asked.claim):
            kind = Kind.CHOICES  # a claim for each of them
        return Field(f"{question}.{local}", kind, asked.claim, asked.prop, options, implied)

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
    """The questions of some profiles, and what is asked besides them."""
    model = Model.installed()
    return Questionnaire(shapes, profiles, Submissions(model.submission, model.graph))


def _local(node: Any) -> str:
    return str(node.value).rpartition("#")[2]
