"""The engine's complaints in words that help whoever wrote the query; it raises none itself."""

import re

from coprod_kg.errors import QuerySyntax

__all__ = ["syntax"]

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


def _readable(expected: str) -> str:
    """The engine's list of what it expected, without the character classes it may hold."""
    if "Prefix not found" in expected:
        return "this prefix is not declared"
    choices = [one for one in expected.removeprefix("expected one of ").split(", ") if one != "[_]"]
    plain = [one for one in choices if not one.startswith("[") and "\\" not in one]
    return "expected " + " or ".join(plain) if plain and len(choices) > 1 else expected
