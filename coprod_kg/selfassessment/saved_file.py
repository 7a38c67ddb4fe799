"""The file that a self-assessment is saved to: Turtle, with the answers in its comments.

Only the comments are read again, so that no untrusted RDF is parsed here; a file whose statements
were edited by hand is sent as a submission.
"""

from typing import Final
from urllib.parse import quote, unquote

import pyoxigraph as ox

from coprod_kg.errors import TooLarge, Unreadable
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import shorten
from coprod_kg.selfassessment.answers import Answers, Problem, read
from coprod_kg.selfassessment.questionnaire import Questionnaire
from coprod_kg.selfassessment.statements import Statements, turtle

__all__ = ["MOST_BYTES", "saved_answers", "saved_text"]

MOST_BYTES: Final = 500_000
_ANSWER: Final = "#+ answer "
_FIRST_LINE: Final = "# Self-assessment of coprod-kg."


def saved_text(answers: Answers, statements: Statements) -> str:
    """The file of some answers."""
    lines = [
        _FIRST_LINE,
        "# To go on with it, open it at /self-assessment: that reads the lines that begin with #+.",
        "# To send it as it is, use /submissions: that reads the statements below.",
        *(f"{_ANSWER}{quote(name)} {quote(value)}" for name, value in answers.pairs()),
    ]
    return "\n".join(lines) + "\n\n" + turtle(statements)


def saved_answers(content: bytes, questionnaire: Questionnaire) -> tuple[Answers, list[Problem]]:
    """The answers in a saved file, and the problems of those that no longer fit.

    Raises:
        TooLarge: it is larger than any that was saved here.
        Unreadable: it was not saved here.
    """
    if len(content) > MOST_BYTES:
        raise TooLarge("the file is larger than any that is saved here", fix=_FIX)
    lines = content.decode("utf-8", "replace").splitlines()
    pairs = []
    for line in lines:
        if line.startswith(_ANSWER):
            name, _, value = line.removeprefix(_ANSWER).partition(" ")
            pairs.append((unquote(name), _current_key(unquote(value))))
    if not pairs:
        raise Unreadable("the file holds no answers of a self-assessment", fix=_FIX)
    return read(pairs, questionnaire)


_FIX: Final = "Choose the file that was saved by the self-assessment, as it was saved."


def _current_key(value: str) -> str:
    """The key of a concept, or of the one that replaced it in a later model."""
    return _successors().get(value, value)


def _successors() -> dict[str, str]:
    pairs = Model.installed().graph.pairs("dcterms:isReplacedBy")
    return {
        shorten(old.value): shorten(new.value)
        for old, new in pairs
        if isinstance(old, ox.NamedNode) and isinstance(new, ox.NamedNode)
    }
