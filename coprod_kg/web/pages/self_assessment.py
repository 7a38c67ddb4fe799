"""The questions of the self-assessment made ready for a page: sorted, grouped, searched."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coprod_kg.model.namespaces import expand
from coprod_kg.selfassessment.answers import Answers
from coprod_kg.selfassessment.questionnaire import Questionnaire
from coprod_kg.selfassessment.questions import Field, Kind, Option, Question, Step
from coprod_kg.selfassessment.statements import Statements

__all__ = ["Sections", "StepView"]


@dataclass(frozen=True, slots=True)
class Sections:
    """The questions of one step, each in one of its sections.

    Attributes:
        first: what an initiative of the stages that were named has to be asked.
        folded: what other stages ask, and what only helps.
        organisation: what is asked of the organisation that runs it.
    """

    first: tuple[Question, ...]
    folded: tuple[Question, ...]
    organisation: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class StepView:
    """The options of one page, in the reader's language.

    Attributes:
        language: the reader's.
    """

    language: str

    def sections(self, step: Step, answers: Answers, asked: Questionnaire) -> Sections:
        """The questions of a step by how much they matter to the stages that are answered."""
        named = [answers.first(name) for name in ("Ask-stage", "Ask-target")]
        stages = asked.submissions.narrower(expand(name) for name in named if name)
        own = [question for question in step.questions if not question.of_organisation]
        return Sections(
            tuple(question for question in own if question.concerns(stages)),
            tuple(question for question in own if not question.concerns(stages)),
            tuple(question for question in step.questions if question.of_organisation),
        )

    def by_name(self, options: Iterable[Option]) -> list[tuple[str, str]]:
        """Name and key of each option, by name."""
        return sorted((option.label(self.language), option.key) for option in options)

    def groups(self, field: Field, words: str = "") -> list[tuple[str, list[Option]]]:
        """The options in the groups of their scheme, all or those with some words."""
        found: dict[str, list[Option]] = {}
        for option in field.options:
            if self._has(option, words):
                label = option.group.label(self.language) if option.group else ""
                found.setdefault(label, []).append(option)
        for options in found.values():
            options.sort(key=lambda option: option.label(self.language))
        return sorted(found.items())

    def is_shown(self, field: Field, key: str, words: str) -> bool:
        """Whether an option is among those with some words."""
        return any(option.key == key and self._has(option, words) for option in field.options)

    def claiming(self, asked: Questionnaire, statements: Statements) -> Sequence[Question]:
        """The questions whose answers are claims, which a document can show."""
        return [
            question
            for step in asked.steps
            for question in step.questions
            if statements.claims.get(question.name)
            and all(field.kind is not Kind.DOCUMENTS for field in question.fields)
        ]

    def _has(self, option: Option, words: str) -> bool:
        text = " ".join(
            (option.label(self.language), *option.concept.names, *option.definitions.values())
        ).casefold()
        return all(word in text for word in words.casefold().split())
