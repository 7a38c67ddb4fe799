"""Translation of the engine's messages and ends to errors that help the query's author."""

import re

from coprod_kg.errors import (
    CoprodError,
    EngineFailed,
    NotAcceptable,
    QueryFailed,
    QueryMemory,
    QuerySyntax,
    QueryTimeout,
    QueryTooDeep,
)
from coprod_kg.sandbox.limits import Death, death

__all__ = ["failed", "stopped_by", "syntax"]

_POSITION = re.compile(r"error at (\d+):(\d+): (.*)", re.DOTALL)
_RULES = {
    "The SELECT contains a variable that is unbound": (
        "SELECT names a variable that its pattern does not bind, or that is neither in GROUP BY "
        "nor inside an aggregate such as COUNT"
    ),
    "The SELECT contains an expression with a variable that is unbound": (
        "SELECT has an expression with a variable that its pattern does not bind, or that is "
        "neither in GROUP BY nor inside an aggregate such as COUNT"
    ),
    "The SELECT overrides an existing variable using an expression": (
        "SELECT names with AS a variable that is bound already"
    ),
}
"""The engine's message about a text that its grammar accepts → what it means."""
_UNSAID = "it breaks a rule of SPARQL that the engine does not name"
_USUAL = (
    "Usual reasons: BIND or AS names a variable that is bound before, a label such as _:x stands "
    "in two groups, a row of VALUES has more or fewer values than variables."
)


def syntax(message: str, language: str) -> QuerySyntax:
    """The error of the engine's parser, with line and column.

    Args:
        message: the text of its ``SyntaxError``.
        language: what the text should have been.
    """
    position = _POSITION.fullmatch(message)
    if position is None:
        return QuerySyntax(f"the text is not {language}: {message}")
    line, column, expected = position.groups()
    where = f"line {line}, column {column}"
    choices = expected.removeprefix("expected ").removeprefix("one of ").split(", ")
    choices = [word for choice in choices for word in choice.split(" or ")]
    for rule, what in _RULES.items():
        if rule in choices:
            return QuerySyntax(what, where=where)
    plain = [
        choice
        for choice in choices
        if not choice.startswith(("[", "<unreported")) and "\\" not in choice
    ]
    if not plain:
        return QuerySyntax(_UNSAID, where=where, fix=_USUAL)
    return QuerySyntax(f"the text is not {language}: expected {' or '.join(plain)}", where=where)


_UNWRITABLE = {
    "RDF/XML reserved syntax term is not allowed as a predicate": (
        "the answer holds a predicate that is a word of the syntax of RDF/XML, such as rdf:li, "
        "which RDF/XML cannot write"
    ),
    "JSON-LD does not support RDF 1.2 yet": (
        "the answer holds a triple as a term, which JSON-LD cannot write"
    ),
}
"""The engine's message about a term that a format cannot carry → what it means."""


def failed(error: Exception, work: str) -> CoprodError:
    """The error that the engine met while it evaluated.

    Args:
        error: one of its ``OSError``, ``ValueError`` and ``RuntimeError``.
        work: what it was doing: ``query`` or ``update``.
    """
    if (why := _UNWRITABLE.get(str(error))) is not None:
        return NotAcceptable(why, fix="Ask for Turtle or N-Triples, which hold every graph.")
    done = "answered" if work == "query" else "carried out"
    return QueryFailed(f"the {work} cannot be {done}: {error}")


def stopped_by(
    status: int | None, work: str, seconds: float, memory_mb: int, panic: str = ""
) -> CoprodError | None:
    """The error for an exit status: a limit, a breakdown of the engine, or None for neither.

    Args:
        status: as `subprocess` tells it.
        work: what the process was doing: ``query`` or ``update``.
        seconds: the deadline it had.
        memory_mb: the memory cap it had.
        panic: what the engine said when it broke down.
    """
    match death(status, panic):
        case Death.PANIC:
            return EngineFailed(
                f"the query engine broke down over the {work}: {panic}",
                fix=f"Nothing else was touched. Write the {work} in another way, and please "
                "report it.",
            )
        case Death.DEADLINE:
            return QueryTimeout(
                f"the {work} was stopped after {seconds:g} seconds",
                fix="Ask for less: bind more terms, or write MINUS in place of FILTER NOT EXISTS. "
                "The deadline is the setting query-seconds.",
            )
        case Death.MEMORY:
            return QueryMemory(
                f"the {work} was stopped at {memory_mb} MiB of memory",
                fix="Sort, group or join less at once. The cap is the setting query-memory-mb.",
            )
        case Death.DEPTH:
            return QueryTooDeep(
                f"the {work} is nested deeper than the engine can follow",
                fix="Write it with fewer parentheses, groups or path steps inside one another.",
            )
    return None
