"""The engine's complaints in words that help whoever wrote the query; it raises none itself."""

import re

from coprod_kg.errors import CoprodError, NotAcceptable, QueryFailed, QuerySyntax

__all__ = ["failed", "syntax"]

_POSITION = re.compile(r"error at (\d+):(\d+): (.*)", re.DOTALL)


def syntax(message: str, language: str) -> QuerySyntax:
    """What the engine's parser said, with line and column.

    Args:
        message: the text of its ``SyntaxError``.
        language: what the text should have been.
    """
    found = _POSITION.fullmatch(message)
    if found is None:
        return QuerySyntax(f"the text is not {language}: {message}")
    line, column, expected = found.groups()
    return QuerySyntax(
        f"the text is not {language}: {_readable(expected)}", where=f"line {line}, column {column}"
    )


_UNWRITABLE = {
    "RDF/XML reserved syntax term is not allowed as a predicate": (
        "the answer holds a predicate that is a word of the syntax of RDF/XML, such as rdf:li, "
        "which RDF/XML cannot write"
    ),
    "JSON-LD does not support RDF 1.2 yet": (
        "the answer holds a triple as a term, which JSON-LD cannot write"
    ),
}
"""What the engine says of a term that a format does not carry, and what that means."""


def failed(error: Exception, work: str) -> CoprodError:
    """What the engine met while it worked.

    Args:
        error: one of its ``OSError``, ``ValueError`` and ``RuntimeError``.
        work: what it was doing: ``query`` or ``update``.
    """
    if (why := _UNWRITABLE.get(str(error))) is not None:
        return NotAcceptable(why, fix="Ask for Turtle or N-Triples, which hold every graph.")
    done = "answered" if work == "query" else "carried out"
    return QueryFailed(f"the {work} cannot be {done}: {error}")


def _readable(expected: str) -> str:
    """The engine's list of what it expected, without the character classes it may hold."""
    if "Prefix not found" in expected:
        return "this prefix is not declared"
    choices = [one for one in expected.removeprefix("expected one of ").split(", ") if one != "[_]"]
    plain = [one for one in choices if not one.startswith("[") and "\\" not in one]
    return "expected " + " or ".join(plain) if plain and len(choices) > 1 else expected
