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
from typing import Final

from coprod_kg.sparql.tokens import Edit, Token, edited, significant
from coprod_kg.sparql.update_targets import is_unambiguous

__all__ = ["AGGREGATES", "named_aggregates_repeated", "rewrite_query"]


_STRING: Final = "<http://www.w3.org/2001/XMLSchema#string>"
_KIND: Final = (
    f'IF(isNumeric({{0}}), {{0}} = {{0}}, IF(LANG({{0}}) = "", DATATYPE({{0}}), {_STRING}))'
)
"""The key by which kinds of terms are kept apart: unbound (an error) for what is no literal, false
for NaN, true for any other number, else the datatype. Texts with and without a language are one."""
_NUMBERS: Final = ("COUNT", "SUM", "AVG")
AGGREGATES: Final = (*_NUMBERS, "MIN", "MAX", "SAMPLE", "GROUP_CONCAT")
_MODIFIERS: Final = ("DISTINCT", "REDUCED")
_ANEW: Final = ("RAND", "UUID", "STRUUID", "BNODE", "SAMPLE", "EXISTS")
"""Tokens of expressions that must not be repeated: their value would differ, or they bind."""


def rewrite_query(text: str) -> str:
    """The same query, ordered and concatenated as SPARQL 1.1 says.

    Args:
        text: a query, valid or not; what cannot be helped stays as it is.

    >>> rewrite_query("SELECT (GROUP_CONCAT(?x) AS ?y) {}")
    'SELECT (STR(GROUP_CONCAT(?x)) AS ?y) {}'
    """
    upper = text.upper()
    if "ORDER" not in upper and "GROUP_CONCAT" not in upper:
        return text
    tokens = list(significant(text))
    if not is_unambiguous(tokens):
        return text
    return edited(text, [*_order_edits(tokens), *_concat_edits(tokens)])


def named_aggregates_repeated(text: str) -> str:
    """The same query with aggregates in place of their names in the rest of their SELECT.

    >>> named_aggregates_repeated("SELECT (COUNT(*) AS ?n) (?n * 2 AS ?m) {}")
    'SELECT (COUNT(*) AS ?n) ((COUNT(*)) * 2 AS ?m) {}'
    """
    tokens = list(significant(text))
    if not is_unambiguous(tokens):
        return text
    edits = list[Edit]()
    for index, token in enumerate(tokens):
        if token.is_word("SELECT"):
            edits += _repeat_edits(text, tokens[index + 1 :])
    return edited(text, edits)


def _order_edits(tokens: Sequence[Token]) -> Iterator[Edit]:
    numbers = _names_of_numbers(tokens)
    for index, token in enumerate(tokens[:-2]):
        if token.is_word("ORDER") and tokens[index + 1].is_word("BY"):
            yield from _key_edits(tokens[index + 2 :], numbers)


def _key_edits(tokens: Sequence[Token], numbers: set[str]) -> Iterator[Edit]:
    """A key before each variable by which is ordered."""
    depth, previous = 0, Token("space", "", 0)
    for index, token in enumerate(tokens):
        if depth == 0 and (token.text in "{}" or token.is_word("LIMIT", "OFFSET", "VALUES")):
            return
        if token.kind == "variable" and token.text[1:] not in numbers:
            if depth == 0:
                yield token.start, token.start, f"{_KIND.format(token.text)} "
            elif depth == 1 and previous.text == "(" and tokens[index + 1].text == ")":
                direction = tokens[index - 2] if index > 1 else previous
                if direction.is_word("ASC", "DESC"):
                    key = f"{direction.text}({_KIND.format(token.text)}) "
                    yield direction.start, direction.start, key
        depth += (token.text == "(") - (token.text == ")")
        previous = token


def _names_of_numbers(tokens: Sequence[Token]) -> set[str]:
    """The variables that SELECT gives to what is a number, which need no key."""
    numbers = set[str]()
    for index, token in enumerate(tokens):
        if token.text == "(" and index + 1 < len(tokens) and tokens[index + 1].is_word(*_NUMBERS):
            closing = _closing(tokens, index + 2)
            alias = tokens[closing + 1 : closing + 4] if closing else []
            if [token.text.upper() for token in alias[:1]] == ["AS"] and alias[-1].text == ")":
                numbers.add(alias[1].text[1:])
    return numbers


def _concat_edits(tokens: Sequence[Token]) -> Iterator[Edit]:
    for index, token in enumerate(tokens):
        if token.is_word("GROUP_CONCAT"):
            closing = _closing(tokens, index + 1)
            if closing is not None:
                yield token.start, token.start, "STR("
                yield tokens[closing].end, tokens[closing].end, ")"


def _closing(tokens: Sequence[Token], opening: int) -> int | None:
    """The index of the parenthesis that closes the one at an index; None where there is none."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += (tokens[index].text == "(") - (tokens[index].text == ")")
        if depth <= 0:
            return index if index > opening else None
    return None


def _repeat_edits(text: str, tokens: Sequence[Token]) -> Iterator[Edit]:
    """The edits in one SELECT clause, whose first token comes first."""
    aggregates_by_name, index = dict[str, str](), 0
    while index < len(tokens):
        token = tokens[index]
        if token.text != "(" and token.kind != "variable" and not token.is_word(*_MODIFIERS):
            return
        closing = _closing(tokens, index) if tokens[index].text == "(" else index
        if closing is None:
            return
        if closing > index + 3 and tokens[closing - 2].is_word("AS"):
            inner = tokens[index + 1 : closing - 2]
            edits = list(_name_edits(inner, aggregates_by_name))
            yield from edits
            start, end = inner[0].start, inner[-1].end
            edits_in_expression = [(first - start, last - start, new) for first, last, new in edits]
            expression = edited(text[start:end], edits_in_expression)
            holds_aggregate = bool(edits) or any(token.is_word(*AGGREGATES) for token in inner)
            if holds_aggregate and not any(token.is_word(*_ANEW) for token in inner):
                aggregates_by_name[tokens[closing - 1].text[1:]] = f"({expression})"
        index = closing + 1


def _name_edits(tokens: Sequence[Token], aggregates_by_name: dict[str, str]) -> Iterator[Edit]:
    """The names in an expression, but those in an aggregate, where they mean nothing."""
    enclosing_words = list[str]()
    for index, token in enumerate(tokens):
        if token.text == "(":
            previous = tokens[index - 1] if index else token
            enclosing_words.append(previous.text.upper() if previous.kind == "word" else "")
        elif token.text == ")" and enclosing_words:
            enclosing_words.pop()
        elif token.kind == "variable" and not {*AGGREGATES, "BOUND"} & {*enclosing_words}:
            aggregate = aggregates_by_name.get(token.text[1:])
            yield from [(token.start, token.end, aggregate)] if aggregate else []
