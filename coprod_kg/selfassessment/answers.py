"""The answers as a form sends them: read, bounded, and each checked against its question."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from coprod_kg.errors import TooLarge
from coprod_kg.model.advice import LANGUAGES
from coprod_kg.selfassessment.questionnaire import Questionnaire
from coprod_kg.selfassessment.questions import Field, Kind, Question

__all__ = ["LANGUAGE", "Answers", "Problem", "State", "fits_kind", "in_words", "read"]

LANGUAGE: Final = "language"
"""The name of the language in which the texts were written."""
_MOST_PAIRS: Final = 1200
_MOST_LETTERS: Final = 120_000
"""Of all answers together; a form with every box ticked and every text full has half of it."""
_LONGEST: Final = {
    Kind.LINE: 200,
    Kind.TEXT: 2000,
    Kind.ADDRESS: 500,
    Kind.DATE: 10,
    Kind.NUMBER: 6,
}
_OVERCOME: Final = "barrier-status:overcome"
_DATE: Final = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"{}|\\^`/]+\.[^\s<>\"{}|\\^`]+")
_FREE: Final = frozenset({Kind.LINE, Kind.TEXT})


class State:
    """The three answers to whether a criterion holds."""

    YES, NO, LOOKED = "yes", "no", "looked"
    ALL = (YES, NO, LOOKED)


@dataclass(frozen=True, slots=True)
class Problem:
    """One answer that has to be mended.

    Attributes:
        name: of the field, as the form sends it.
        code: the kind of fault, for which the page has a sentence.
        about: a value for that sentence, or an empty text.
    """

    name: str
    code: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to a questionnaire.

    Attributes:
        values_by_name: name in the form → its values, none of them empty.
        language: in which the texts are written.
    """

    values_by_name: Mapping[str, tuple[str, ...]]
    language: str = "en"

    def all(self, name: str) -> tuple[str, ...]:
        """The values of a field."""
        return self.values_by_name.get(name, ())

    def first(self, name: str) -> str:
        """The value of a field, or an empty text."""
        return next(iter(self.all(name)), "")

    def holds(self, question: Question) -> str:
        """Whether a criterion holds: one of `State`, or an empty text where that is open.

        A value that is given says yes.
        """
        stated = self.first(question.name)
        return stated or (State.YES if self.has_values(question) else "")

    def has_values(self, question: Question) -> bool:
        """Whether any field of a criterion has a value."""
        return any(name.startswith(f"{question.name}.") for name in self.values_by_name)

    def pairs(self) -> list[tuple[str, str]]:
        """All of it as a form sends it, in an order that is always the same."""
        pairs = [
            (name, value)
            for name in sorted(self.values_by_name)
            for value in self.values_by_name[name]
        ]
        return [(LANGUAGE, self.language), *pairs] if pairs else []


def read(
    pairs: Iterable[tuple[str, str]], questionnaire: Questionnaire, language: str = "en"
) -> tuple[Answers, list[Problem]]:
    """The answers in a form or a file, and the problems with them.

    A value for no question, or one that cannot be chosen, is left out and reported as a problem. A
    faulty text or date stays, so that it can be mended.

    Args:
        pairs: name and value.
        questionnaire: the questions.
        language: in which the texts are, where nothing among the pairs says so.

    Raises:
        TooLarge: there is more than the questions could take.
    """
    values_by_name: dict[str, list[str]] = {}
    problems: list[Problem] = []
    letters = 0
    for number, (name, value) in enumerate(pairs):
        letters += len(name) + len(value)
        if number >= _MOST_PAIRS or letters > _MOST_LETTERS:
            raise TooLarge(
                "the form holds more than the questions can take",
                fix="Begin again at /self-assessment, with shorter texts.",
            )
        if name == LANGUAGE:
            language = value if value in LANGUAGES else language
            continue
        text = _clean(value)
        if not text:
            continue
        problem = _problem(name, text, questionnaire)
        if problem is not None:
            problems.append(problem)
            if problem.code in ("unknown", "unknown-choice"):
                continue
        values = values_by_name.setdefault(name, [])
        if text not in values and (not values or _takes_several(name, questionnaire)):
            values.append(text)
    answers = Answers(
        MappingProxyType({name: tuple(values) for name, values in values_by_name.items()}), language
    )
    return answers, [*dict.fromkeys(problems), *_conflicts(answers, questionnaire)]


def in_words(
    answers: Answers, questionnaire: Questionnaire, language: str = "en"
) -> list[tuple[str, list[str]]]:
    """Each question that was answered, with its answers in words."""
    labels = {
        option.key: option.label(language)
        for name in (*questionnaire.fields, *answers.values_by_name)
        if (form_field := questionnaire.field(name)) is not None
        for option in form_field.options
    }
    labels |= {name: question.text(language) for name, question in questionnaire.questions.items()}
    answers_by_question: dict[str, list[str]] = {}
    for name, values in answers.values_by_name.items():
        question, _, rest = name.partition(".")
        key, _, part = rest.rpartition(".")
        about = f"{labels.get(key, key)}: " if part and key else ""
        texts = (about + labels.get(value, value) for value in values)
        answers_by_question.setdefault(question, []).extend(texts)
    return [
        (question.text(language), answers_by_question[name])
        for name, question in questionnaire.questions.items()
        if name in answers_by_question
    ]


def _clean(value: str) -> str:
    """The text without signs that no line has; one kind of line end."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign for sign in lines if sign == "\n" or sign.isprintable()).strip()


def _takes_several(name: str, questionnaire: Questionnaire) -> bool:
    form_field = None if questionnaire.is_criterion_state(name) else questionnaire.field(name)
    return form_field is not None and form_field.kind in (
        Kind.CHOICES,
        Kind.BARRIERS,
        Kind.QUESTIONS,
    )


def _problem(name: str, value: str, questionnaire: Questionnaire) -> Problem | None:
    """The problem with one value, or None."""
    if questionnaire.is_criterion_state(name):
        return None if value in State.ALL else Problem(name, "unknown-choice", value[:60])
    form_field = questionnaire.field(name)
    if form_field is None or form_field.implied or form_field.kind is Kind.DOCUMENTS:
        return Problem("", "unknown", name[:60])
    if form_field.kind is Kind.QUESTIONS:
        return (
            None
            if value in questionnaire.questions
            else Problem(name, "unknown-choice", value[:60])
        )
    if form_field.options:
        return None if value in form_field.keys else Problem(name, "unknown-choice", value[:60])
    if len(value) > _LONGEST[form_field.kind]:
        return Problem(name, "too-long", str(_LONGEST[form_field.kind]))
    return None if fits_kind(form_field, value) else Problem(name, f"no-{form_field.kind}")


def fits_kind(form_field: Field, value: str) -> bool:
    """Whether a value that is no choice is of the kind that its field takes."""
    if len(value) > _LONGEST[form_field.kind]:
        return False
    if form_field.kind in _FREE:
        return form_field.kind is Kind.TEXT or "\n" not in value
    if form_field.kind is Kind.NUMBER:
        return value.isascii() and value.isdigit()
    if form_field.kind is Kind.ADDRESS:
        return _ADDRESS.fullmatch(value) is not None
    return _is_date(value)


def _is_date(value: str) -> bool:
    match = _DATE.fullmatch(value)
    if match is None or match[1] == "0000":
        return False
    try:
        date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return False
    return True


def _conflicts(answers: Answers, questionnaire: Questionnaire) -> Iterable[Problem]:
    """Problems of answers that contradict each other or lack a part."""
    for question in questionnaire.questions.values():
        if question.criterion is None:
            continue
        state = answers.first(question.name)
        if state in (State.NO, State.LOOKED) and answers.has_values(question):
            yield Problem(question.name, "contradiction")
        visible_fields = [field for field in question.fields if not field.implied]
        if state == State.YES and visible_fields and not answers.has_values(question):
            yield Problem(question.fields[0].name, "nothing-chosen")
        yield from _incomplete(answers, question, questionnaire)
    start, end = answers.first("Ask-start"), answers.first("Ask-end")
    if _is_date(start) and _is_date(end):
        exactness = min(len(start), len(end))
        if end[:exactness] < start[:exactness]:
            yield Problem("Ask-end", "end-before-start")
    for name in answers.values_by_name:
        status = f"{name.removesuffix('.by')}.status"
        if name.endswith(".by") and answers.first(status) != _OVERCOME:
            yield Problem(status, "not-overcome")
    yield from _documents(answers)


def _documents(answers: Answers) -> Iterable[Problem]:
    """A problem for each document that has some answer and no title."""
    for start in dict.fromkeys(
        name.rpartition(".")[0]
        for name in answers.values_by_name
        if name.startswith("Ask-evidence.")
    ):
        if not answers.first(f"{start}.title"):
            yield Problem(f"{start}.title", "no-title")


def _incomplete(
    answers: Answers, question: Question, questionnaire: Questionnaire
) -> Iterable[Problem]:
    """Problems of claims that lack the value they require, as a contribution by nobody does."""
    for claim in dict.fromkeys(field.claim for field in question.fields if field.claim):
        fields = [field for field in question.fields if field.claim == claim]
        needed = [
            field for field in fields if field.prop in questionnaire.submissions.required(claim)
        ]
        rest = [field for field in fields if field not in needed and answers.all(field.name)]
        if rest and needed and not answers.all(needed[0].name):
            yield Problem(needed[0].name, "needs-one")
    for field in question.fields:
        if field.per:
            key_field = questionnaire.fields[field.per]
            answered_keys = {key for key in key_field.keys if answers.all(field.of(key))}
            if answered_keys - set(answers.all(key_field.name)):
                yield Problem(key_field.name, "needs-one")
