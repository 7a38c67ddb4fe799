"""Rules for the SPARQL body of a saved query, checked on its tokens, and its parameter slots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from coprod_kg.queries.header import Header, Mistake
from coprod_kg.queries.saved import ParameterSlot, slots_of
from coprod_kg.sparql.tokens import Token, position, significant

__all__ = ["QueryBody", "inspect"]

_FORMS: Final = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
_AGGREGATES: Final = ("COUNT", "SUM", "MIN", "MAX", "AVG", "SAMPLE", "GROUP_CONCAT")


@dataclass(frozen=True, slots=True)
class QueryBody:
    """The form of the query, the slots of its parameters, and what is wrong with it."""

    form: str
    slots: tuple[ParameterSlot, ...]
    mistakes: tuple[Mistake, ...]


def inspect(text: str, header: Header) -> QueryBody:
    """Check a query's text against the rules.

    Args:
        text: the file's whole text.
        header: its header, read before.
    """
    tokens = list(significant(text))
    slots = slots_of(text, tokens)
    form = next((token for token in tokens if token.is_word(*_FORMS)), None)
    mistakes = [*_slot_mistakes(text, slots, header), *_limits(text, tokens)]
    if form is None:
        mistakes.append((1, f"there is no query here: expected one of {', '.join(_FORMS)}"))
        return QueryBody("", slots, tuple(mistakes))
    line = position(text, form.start)[0]
    if form.is_word("SELECT"):
        mistakes += _projection_mistakes(
            line, _projection(tokens[tokens.index(form) + 1 :]), header
        )
        mistakes += _order_mistakes(text, tokens)
        mistakes += _telling_order(text, tokens, header)
    elif header.small_counts:
        line = header.lines["small-counts"]
        mistakes.append((line, "small-counts: only the rows of a SELECT have cells to withhold"))
    return QueryBody(form.text.upper(), slots, tuple(mistakes))


def _slot_mistakes(text: str, slots: Sequence[ParameterSlot], header: Header) -> Iterator[Mistake]:
    declared = {parameter.name: parameter for parameter in header.parameters}
    for parameter in header.parameters:
        line = header.lines[f"param {parameter.name}"]
        expected = parameter.written_default()
        mine = [slot for slot in slots if slot.name == parameter.name]
        if not mine:
            wanted = f"VALUES ?{parameter.name} {{ {expected} }}"
            yield line, f"parameter {parameter.name} has no line '{wanted}' in the query"
        for slot in mine:
            if text[slot.start : slot.end] != expected:
                written = text[slot.start : slot.end]
                at = position(text, slot.start)[0]
                yield at, f"?{parameter.name} holds {written!r}; the header asks for {expected!r}"
    for slot in slots:
        if slot.name not in declared and text[slot.start : slot.end].upper() == "UNDEF":
            yield position(text, slot.start)[0], f"the header declares no param {slot.name}"


def _limits(text: str, tokens: Sequence[Token]) -> Iterator[Mistake]:
    for token in tokens:
        if token.is_word("LIMIT", "OFFSET"):
            line = position(text, token.start)[0]
            yield line, f"{token.text} belongs to whoever asks; leave it out"


def _projection(after: Sequence[Token]) -> list[str]:
    """The names that SELECT projects, ``*`` as itself."""
    names: list[str] = []
    depth = 0
    alias = False
    for token in after:
        if depth == 0 and (token.is_word("WHERE", "FROM") or token.text == "{"):
            break
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "*" and depth == 0:
            names.append("*")
        elif token.kind == "variable" and (depth == 0 or (alias and depth == 1)):
            names.append(token.text[1:])
        alias = token.is_word("AS")
    return names


def _projection_mistakes(line: int, names: Sequence[str], header: Header) -> Iterator[Mistake]:
    if "*" in names:
        yield line, "SELECT * hides what the columns are; name them"
        return
    columns = [column.name for column in header.columns]
    for name in names:
        if name not in columns:
            yield line, f"column ?{name} has no line '#+ column {name}: …'"
    for name in columns:
        if name not in names:
            yield header.lines[f"column {name}"], f"the query projects no ?{name}"
    if sorted(columns) == sorted(names) and columns != list(names):
        yield line, f"the columns come as {', '.join(names)}; list them in that order"


def _order_mistakes(text: str, tokens: Sequence[Token]) -> Iterator[Mistake]:
    after = _ordering(tokens)
    if after:
        yield from _after_order(text, after)
    else:
        yield 1, "there is no ORDER BY: the same rows must come in the same order everywhere"


def _ordering(tokens: Sequence[Token]) -> Sequence[Token]:
    """The tokens from the ORDER of the whole query on; none where it has none."""
    depth = 0
    for place, token in enumerate(tokens):
        depth += (token.text == "{") - (token.text == "}")
        if depth == 0 and token.is_word("ORDER"):
            return tokens[place:]
    return ()


def _telling_order(text: str, tokens: Sequence[Token], header: Header) -> Iterator[Mistake]:
    """The mistake of ordering rows by counts, which would tell about those that are withheld."""
    rule = header.small_counts
    if rule is None:
        return
    for token in _ordering(tokens):
        named = token.kind == "variable" and token.text[1:] in (rule.column, *rule.along)
        if named or token.is_word(*_AGGREGATES):
            line = position(text, token.start)[0]
            yield line, f"ORDER BY {token.text} would tell about withheld counts; order otherwise"


def _after_order(text: str, after: Sequence[Token]) -> Iterator[Mistake]:
    for token in after:
        if token.is_word("VALUES"):
            line = position(text, token.start)[0]
            yield (
                line,
                "VALUES after ORDER BY leaves no place for a LIMIT; move it into the pattern",
            )
