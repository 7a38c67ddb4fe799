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

__all__ = ["LANGUAGE", "Answers", "Problem", "State", "in_words", "is_written", "read"]

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
    """What is answered of a criterion."""

    YES, NO, LOOKED = "yes", "no", "looked"
    ALL = (YES, NO, LOOKED)


@dataclass(frozen=True, slots=True)
class Problem:
    """One answer that cannot be taken as it is.

    Attributes:
        name: of the field, as the form sends it.
        code: what is wrong, for the page to say.
        about: what more there is to name, or an empty text.
    """

    name: str
    code: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered.

    Attributes:
        given: name in the form → its values, never an empty one.
        language: in which the texts are written.
    """

    given: Mapping[str, tuple[str, ...]]
    language: str = "en"

    def all(self, name: str) -> tuple[str, ...]:
        """The values of a field."""
        return self.given.get(name, ())

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
        return any(name.startswith(f"{question.name}.") for name in self.given)

    def pairs(self) -> list[tuple[str, str]]:
        """All of it as a form sends it, in an order that is always the same."""
        found = [(name, value) for name in sorted(self.given) for value in self.given[name]]
        return [(LANGUAGE, self.language), *found] if found else []


def read(
    pairs: Iterable[tuple[str, str]], asked: Questionnaire, language: str = "en"
) -> tuple[Answers, list[Problem]]:
    """The answers among what a form or a file says, and what is wrong with them.

    What is not asked or cannot be chosen is left out, and is one of the problems. A text or a date
    that is wrong stays, so that it can be mended.

    Args:
        pairs: name and value.
        asked: the questions.
        language: in which the texts are, where nothing among the pairs says so.

    Raises:
        TooLarge: there is more than the questions could take.
    """
    given: dict[str, list[str]] = {}
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
        problem = _problem(name, text, asked)
        if problem is not None:
            problems.append(problem)
            if problem.code in ("unknown", "unknown-choice"):
                continue
        values = given.setdefault(name, [])
        if text not in values and (not values or _several(name, asked)):
            values.append(text)
    answers = Answers(
        MappingProxyType({name: tuple(values) for name, values in given.items()}), language
    )
    return answers, [*dict.fromkeys(problems), *_between(answers, asked)]


def in_words(
    answers: Answers, asked: Questionnaire, language: str = "en"
) -> list[tuple[str, list[str]]]:
    """Each question that was answered, with its answers as a reader is shown them."""
    labels = {
        option.key: option.label(language)
        for name in (*asked.fields, *answers.given)
        if (found := asked.field(name)) is not None
        for option in found.options
    }
    labels |= {name: question.text(language) for name, question in asked.questions.items()}
    shown: dict[str, list[str]] = {}
    for name, values in answers.given.items():
        question, _, rest = name.partition(".")
        of, _, part = rest.rpartition(".")
        about = f"{labels.get(of, of)}: " if part and of else ""
        texts = (about + labels.get(value, value) for value in values)
        shown.setdefault(question, []).extend(texts)
    return [
        (question.text(language), shown[name])
        for name, question in asked.questions.items()
        if name in shown
    ]


def _clean(value: str) -> str:
    """The text without signs that no line has; one kind of line end."""
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign for sign in lines if sign == "\n" or sign.isprintable()).strip()


def _several(name: str, asked: Questionnaire) -> bool:
    found = None if asked.states(name) else asked.field(name)
    return found is not None and found.kind in (Kind.CHOICES, Kind.BARRIERS, Kind.QUESTIONS)


def _problem(name: str, value: str, asked: Questionnaire) -> Problem | None:
    """What is wrong with one value."""
    if asked.states(name):
        return None if value in State.ALL else Problem(name, "unknown-choice", value[:60])
    found = asked.field(name)
    if found is None or found.implied or found.kind is Kind.DOCUMENTS:
        return Problem("", "unknown", name[:60])
    if found.kind is Kind.QUESTIONS:
        return None if value in asked.questions else Problem(name, "unknown-choice", value[:60])
    if found.options:
        return None if value in found.keys else Problem(name, "unknown-choice", value[:60])
    if len(value) > _LONGEST[found.kind]:
        return Problem(name, "too-long", str(_LONGEST[found.kind]))
    return None if is_written(found, value) else Problem(name, f"no-{found.kind}")


def is_written(found: Field, value: str) -> bool:
    """Whether a value that is no choice is of the kind that its field takes."""
    if len(value) > _LONGEST[found.kind]:
        return False
    if found.kind in _FREE:
        return found.kind is Kind.TEXT or "\n" not in value
    if found.kind is Kind.NUMBER:
        return value.isascii() and value.isdigit()
    if found.kind is Kind.ADDRESS:
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


def _between(answers: Answers, asked: Questionnaire) -> Iterable[Problem]:
    """What does not go together."""
    for question in asked.questions.values():
        if question.criterion is None:
            continue
        state = answers.first(question.name)
        if state in (State.NO, State.LOOKED) and answers.has_values(question):
            yield Problem(question.name, "contradiction")
        shown = [field for field in question.fields if not field.implied]
        if state == State.YES and shown and not answers.has_values(question):
            yield Problem(question.fields[0].name, "nothing-chosen")
        yield from _incomplete(answers, question, asked)
    start, end = answers.first("Ask-start"), answers.first("Ask-end")
    if _is_date(start) and _is_date(end):
        exactness = min(len(start), len(end))
        if end[:exactness] < start[:exactness]:
            yield Problem("Ask-end", "end-before-start")
    for name in answers.given:
        status = f"{name.removesuffix('.by')}.status"
        if name.endswith(".by") and answers.first(status) != _OVERCOME:
            yield Problem(status, "not-overcome")
    yield from _documents(answers)


def _documents(answers: Answers) -> Iterable[Problem]:
    """A document of which something is said has a title."""
    for start in dict.fromkeys(
        name.rpartition(".")[0] for name in answers.given if name.startswith("Ask-evidence.")
    ):
        if not answers.first(f"{start}.title"):
            yield Problem(f"{start}.title", "no-title")


def _incomplete(answers: Answers, question: Question, asked: Questionnaire) -> Iterable[Problem]:
    """A claim of which only that is said which cannot stand alone, as what is given by nobody."""
    for claim in dict.fromkeys(field.claim for field in question.fields if field.claim):
        fields = [field for field in question.fields if field.claim == claim]
        needed = [field for field in fields if field.prop in asked.submissions.required(claim)]
        rest = [field for field in fields if field not in needed and answers.all(field.name)]
        if rest and needed and not answers.all(needed[0].name):
            yield Problem(needed[0].name, "needs-one")
    for field in question.fields:
        if field.per:
            key_field = asked.fields[field.per]
            told = {key for key in key_field.keys if answers.all(field.of(key))}
            if told - set(answers.all(key_field.name)):
                yield Problem(key_field.name, "needs-one")
