"""Syntax errors of queries and updates: plain words, and the first token that does not fit."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from coprod_kg.errors import QuerySyntax
from coprod_kg.sparql.grammar import Misfit, begins, first_unexpected, words
from coprod_kg.sparql.tokens import Token, position, significant

__all__ = ["explain_error"]

_LONGEST: Final = 200_000
"""The most characters of a text that is parsed for its mistake; programs write longer ones."""
_NEWER: Final = frozenset(
    {"ADJUST", "HASLANG", "HASLANGDIR", "ISTRIPLE", "LANGDIR", "LATERAL", "OBJECT", "PREDICATE"}
    | {"STRLANGDIR", "SUBJECT", "TRIPLE", "VERSION", "~"}
)
"""Tokens that SPARQL 1.2 and the engine take beyond SPARQL 1.1: the engine's own error stays."""
_GROUPS: Final = (
    ("Expression", "an expression such as ?x, 1, 'text' or STR(?x)"),
    ("Object", "a term (a variable, a name, a text or a number)"),
    ("Verb", "a predicate (a name, a path or a variable)"),
    ("Element", "a part of the pattern such as FILTER, BIND or OPTIONAL"),
    ("Call", "a function"),
    ("Path", "a name or a path"),
    ("Datum", "a value"),
    ("Iri", "a name such as <…> or prefix:name"),
)
"""A rule, and what a person calls what it takes."""
_KINDS: Final = {
    "namespace": "a prefix such as cp:",
    "iri": "an IRI such as <…>",
    "variable": "a variable such as ?x",
    "number": "a number",
    "string": "a text in quotes",
    "language": "a language such as @en",
    "nil": "()",
}
_UPDATES: Final = frozenset(
    {"ADD", "CLEAR", "COPY", "CREATE", "DELETE", "DROP", "INSERT", "LOAD", "MOVE", "WITH"}
)
_QUERIES: Final = frozenset({"ASK", "CONSTRUCT", "DESCRIBE", "SELECT"})
_SHOWN: Final = 40


def explain_error(error: QuerySyntax, text: str, *, update: bool = False) -> QuerySyntax:
    """The error at the first token that does not fit; the engine's words where all do.

    Args:
        error: that of the engine.
        text: the query or update.
        update: whether it is an update.
    """
    if len(text) > _LONGEST:
        return error
    fault = first_unexpected(text, update=update)
    undeclared_name = _undeclared(text)
    end = len(text) if fault is None or fault.token is None else fault.token.start
    if undeclared_name is not None and undeclared_name.start <= end:
        prefix = undeclared_name.text.partition(":")[0][:80]
        return QuerySyntax(
            f"the prefix {prefix}: is not declared",
            where=_where(text, undeclared_name.start),
            fix=f"Write PREFIX {prefix}: <…> before the {'update' if update else 'query'}.",
        )
    if fault is None:
        return _at_select(error, text)
    if fault.token is not None and _engine_knows(text, fault.token):
        return error
    offset = len(text.rstrip()) if fault.token is None else fault.token.start
    message, fix = _message_and_fix(fault, text)
    return QuerySyntax(message, where=_where(text, offset), fix=fix)


def _at_select(error: QuerySyntax, text: str) -> QuerySyntax:
    """The engine's error; one about a SELECT, which it places behind its group, at the SELECT."""
    if not error.what.startswith("SELECT "):
        return error
    match = re.fullmatch(r"line (\d+), column (\d+)", error.where or "")
    end = (int(match[1]), int(match[2])) if match else (1, 1)
    selects = [token.start for token in significant(text) if token.is_word("SELECT")]
    earlier_selects = [start for start in selects if position(text, start) < end]
    place = _where(text, earlier_selects[-1]) if earlier_selects else error.where
    return QuerySyntax(error.what, where=place, fix=error.fix)


def _where(text: str, offset: int) -> str:
    line, column = position(text, offset)
    return f"line {line}, column {column}"


def _undeclared(text: str) -> Token | None:
    """The first name whose prefix is not declared before it."""
    declared: set[str] = set()
    declares = False
    for token in significant(text, 0):
        if token.kind == "pname":
            prefix = token.text.partition(":")[0]
            if declares:
                declared.add(prefix)
            elif prefix not in declared:
                return token
        declares = token.is_word("PREFIX")
    return None


def _engine_knows(text: str, token: Token) -> bool:
    """Whether the engine may read the token as two, or as newer than SPARQL 1.1."""
    word = token.text.partition(":")[0].upper()
    keywords = (*words(), "")
    glued = token.kind in ("word", "pname") and any(
        word[:length] in keywords and (token.kind == "pname" or word[length:] in keywords)
        for length in range(2, len(word) + (token.kind == "pname"))
    )
    newer = token.text.upper() in _NEWER
    return glued or newer or text[token.start : token.start + 2] in ("<<", "{|", "|}")


def _message_and_fix(fault: Misfit, text: str) -> tuple[str, str | None]:
    """The fault in words, and its fix if there is one."""
    expected_words = _in_words(fault.expected)
    if fault.token is None:
        closing = [mark for mark in ("}", ")", "]") if mark in fault.expected]
        fix = f"Perhaps a {closing[0]} is missing at the end." if closing else None
        return f"the text ends too early; what may come next: {expected_words}", fix
    shown_text = fault.token.text[:_SHOWN]
    if shown_text in ("'", '"'):
        return "the text in quotes that begins here has no end", "Close it with the same quote."
    if shown_text == "<" and "iri" in fault.expected:
        return (
            "the IRI that begins here does not end, or holds what no IRI holds",
            "Write it as <…>, without spaces and quotes.",
        )
    fix = _fix(fault.token, fault.expected, text)
    if not expected_words:
        return f"{shown_text} does not fit here, where the text should end", fix
    return f"{shown_text} does not fit here; what may stand here: {expected_words}", fix


def _fix(token: Token, expected: frozenset[str], text: str) -> str | None:
    word = token.text.upper()
    if word in begins("Function") and {"variable", "("} <= expected and "*" in expected:
        return f"Put it in parentheses, and give it a name: ({word}(…) AS ?name)."
    if word in _UPDATES and "SELECT" in expected:
        return "This is an update: send it as one, as the field update of a form."
    if word in _QUERIES and "INSERT" in expected:
        return "This is a query: send it as one, as the field query of a form."
    if word == "}":
        marks = [token.text for token in significant(text) if token.kind == "mark"]
        return "There is a } too many." if marks.count("}") > marks.count("{") else None
    expected_keywords = [name for name in expected if name.isupper()]
    nearest = get_close_matches(word, expected_keywords, 1, 0.7) if token.kind == "word" else []
    if nearest:
        return f"Did you mean {nearest[0]}?"
    if token.kind == "word" and "variable" in expected:
        return f"Did you mean ?{token.text[:_SHOWN]}?"
    return None


def _in_words(expected: frozenset[str]) -> str:
    phrases = list(_phrases(expected))
    return " or ".join([", ".join(phrases[:-1]), phrases[-1]] if len(phrases) > 1 else phrases)


def _phrases(expected: frozenset[str]) -> Iterator[str]:
    remaining = set(expected)
    for rule, phrase in _GROUPS:
        if begins(rule) <= remaining:
            yield phrase
            remaining -= begins(rule)
    yield from (phrase for kind, phrase in _KINDS.items() if kind in remaining)
    yield from (word for word in words() if word in remaining)
    yield from sorted(f'"{mark}"' for mark in remaining if not mark[0].isalpha())
