"""Rewriting of queries that Oxigraph would answer otherwise than SPARQL 1.1 says.

Three things are answered otherwise by Oxigraph 0.5.13; what else is stands in ``docs/engine.md``.

- Terms of several kinds are ordered by rules that contradict each other: numbers do not rise among
  texts, and a longer list ends the process. A key before the variable keeps the kinds apart:
  within one kind the engine's order is one.
- ``GROUP_CONCAT`` gives a text in a language where all texts were in it, not a plain one.
- A name that SELECT gives to an aggregate is not known in the rest of the SELECT. The aggregate
  takes its place there; only after the engine has refused the text.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from coprod_kg.sparql.tokens import Token, significant
from coprod_kg.sparql.update_targets import certain

__all__ = ["named_aggregates_repeated", "respelt"]

_Edit: TypeAlias = tuple[int, int, str]
"""From and to which character of the text, and what to write there."""

_STRING: Final = "<http://www.w3.org/2001/XMLSchema#string>"
_KIND: Final = (
    f'IF(isNumeric({{0}}), {{0}} = {{0}}, IF(LANG({{0}}) = "", DATATYPE({{0}}), {_STRING}))'
)
"""The key by which kinds of terms are kept apart: unbound (an error) for what is no literal, false
for NaN, true for any other number, else the datatype. Texts with and without a language are one."""
_NUMBERS: Final = ("COUNT", "SUM", "AVG")
_AGGREGATES: Final = (*_NUMBERS, "MIN", "MAX", "SAMPLE", "GROUP_CONCAT")
_MODIFIERS: Final = ("DISTINCT", "REDUCED")
_ANEW: Final = ("RAND", "UUID", "STRUUID", "BNODE", "SAMPLE", "EXISTS")
"""Tokens of expressions that must not be repeated: their value would differ, or they bind."""


def respelt(text: str) -> str:
    """The same query, ordered and concatenated as SPARQL 1.1 says.

    Args:
        text: a query, valid or not; what cannot be helped stays as it is.

    >>> respelt("SELECT (GROUP_CONCAT(?x) AS ?y) {}")
    'SELECT (STR(GROUP_CONCAT(?x)) AS ?y) {}'
    """
    upper = text.upper()
    if "ORDER" not in upper and "GROUP_CONCAT" not in upper:
        return text
    tokens = list(significant(text))
    return _edited(text, [*_ordered(tokens), *_concatenated(tokens)]) if certain(tokens) else text


def named_aggregates_repeated(text: str) -> str:
    """The same query with aggregates in place of their names in the rest of their SELECT.

    >>> named_aggregates_repeated("SELECT (COUNT(*) AS ?n) (?n * 2 AS ?m) {}")
    'SELECT (COUNT(*) AS ?n) ((COUNT(*)) * 2 AS ?m) {}'
    """
    tokens = list(significant(text))
    if not certain(tokens):
        return text
    edits = list[_Edit]()
    for place, token in enumerate(tokens):
        if token.is_word("SELECT"):
            edits += _repeated(text, tokens[place + 1 :])
    return _edited(text, edits)


def _ordered(tokens: Sequence[Token]) -> Iterator[_Edit]:
    numbers = _names_of_numbers(tokens)
    for place, token in enumerate(tokens[:-2]):
        if token.is_word("ORDER") and tokens[place + 1].is_word("BY"):
            yield from _keys(tokens[place + 2 :], numbers)


def _keys(tokens: Sequence[Token], numbers: set[str]) -> Iterator[_Edit]:
    """A key before each variable by which is ordered."""
    depth, before = 0, Token("space", "", 0)
    for place, token in enumerate(tokens):
        if depth == 0 and (token.text in "{}" or token.is_word("LIMIT", "OFFSET", "VALUES")):
            return
        if token.kind == "variable" and token.text[1:] not in numbers:
            if depth == 0:
                yield token.start, token.start, f"{_KIND.format(token.text)} "
            elif depth == 1 and before.text == "(" and tokens[place + 1].text == ")":
                direction = tokens[place - 2] if place > 1 else before
                if direction.is_word("ASC", "DESC"):
                    key = f"{direction.text}({_KIND.format(token.text)}) "
                    yield direction.start, direction.start, key
        depth += (token.text == "(") - (token.text == ")")
        before = token


def _names_of_numbers(tokens: Sequence[Token]) -> set[str]:
    """The variables that SELECT gives to what is a number, which need no key."""
    numbers = set[str]()
    for place, token in enumerate(tokens):
        if token.text == "(" and place + 1 < len(tokens) and tokens[place + 1].is_word(*_NUMBERS):
            closing = _closing(tokens, place + 2)
            rest = tokens[closing + 1 : closing + 4] if closing else []
            if [token.text.upper() for token in rest[:1]] == ["AS"] and rest[-1].text == ")":
                numbers.add(rest[1].text[1:])
    return numbers


def _concatenated(tokens: Sequence[Token]) -> Iterator[_Edit]:
    for place, token in enumerate(tokens):
        if token.is_word("GROUP_CONCAT"):
            closing = _closing(tokens, place + 1)
            if closing is not None:
                yield token.start, token.start, "STR("
                yield tokens[closing].end, tokens[closing].end, ")"


def _closing(tokens: Sequence[Token], place: int) -> int | None:
    """Where the parenthesis that stands at a place is closed."""
    depth = 0
    for at in range(place, len(tokens)):
        depth += (tokens[at].text == "(") - (tokens[at].text == ")")
        if depth <= 0:
            return at if at > place else None
    return None


def _repeated(text: str, tokens: Sequence[Token]) -> Iterator[_Edit]:
    """The edits in one SELECT clause, whose first token comes first."""
    known, at = dict[str, str](), 0
    while at < len(tokens):
        token = tokens[at]
        if token.text != "(" and token.kind != "variable" and not token.is_word(*_MODIFIERS):
            return
        closing = _closing(tokens, at) if tokens[at].text == "(" else at
        if closing is None:
            return
        if closing > at + 3 and tokens[closing - 2].is_word("AS"):
            inner = tokens[at + 1 : closing - 2]
            edits = list(_replaced(inner, known))
            yield from edits
            start, end = inner[0].start, inner[-1].end
            moved = [(first - start, last - start, new) for first, last, new in edits]
            expression = _edited(text[start:end], moved)
            aggregates = bool(edits) or any(token.is_word(*_AGGREGATES) for token in inner)
            if aggregates and not any(token.is_word(*_ANEW) for token in inner):
                known[tokens[closing - 1].text[1:]] = f"({expression})"
        at = closing + 1


def _replaced(tokens: Sequence[Token], known: dict[str, str]) -> Iterator[_Edit]:
    """The names in an expression, but those in an aggregate, where they mean nothing."""
    around = list[str]()
    for place, token in enumerate(tokens):
        if token.text == "(":
            before = tokens[place - 1] if place else token
            around.append(before.text.upper() if before.kind == "word" else "")
        elif token.text == ")" and around:
            around.pop()
        elif token.kind == "variable" and not {*_AGGREGATES, "BOUND"} & {*around}:
            aggregate = known.get(token.text[1:])
            yield from [(token.start, token.end, aggregate)] if aggregate else []


def _edited(text: str, edits: Sequence[_Edit]) -> str:
    pieces, at = [], 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        pieces += [text[at:start], new]
        at = end
    return "".join([*pieces, text[at:]])
