"""Loader of the saved queries of a folder: header, body and its rules; and the search among them.

A file is plain SPARQL with a flat header, and runs as it stands in any engine:

    #+ summary: Which initiatives sit at a stage now?
    #+ description: One row for each claimant's newest judgement.
    #+ tags: stage, overview
    #+ answers: CQ-01
    #+ param stage: concept stage | Only initiatives at this stage.
    #+ column initiative: The initiative.

Each parameter is one line of the body, ``VALUES ?stage { UNDEF }``, whose ``UNDEF`` (or default)
gives way to serialised terms. No other text of the query ever changes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from coprod_kg.errors import ModelError, WrongUsage
from coprod_kg.model.files import files
from coprod_kg.model.namespaces import SLUG
from coprod_kg.model.schemes import Scheme, schemes
from coprod_kg.queries.header import Header, Mistake, read_header
from coprod_kg.queries.permitted_values import source_mistakes
from coprod_kg.queries.saved import ParameterSlot, SavedQuery, Submitted, slots_of
from coprod_kg.sparql.query_dialect import AGGREGATES
from coprod_kg.sparql.tokens import Token, order_by, position, significant

__all__ = [
    "SavedQuery",
    "Submitted",
    "examine",
    "find",
    "inspect",
    "is_slug",
    "load",
    "load_all",
    "read",
    "views",
]


_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that XML cannot hold, so neither the catalogue in RDF/XML nor an answer can."""

_BEYOND_PARTS: Final = ("GRAPH", "FROM", "SERVICE", "NOW", "RAND", "UUID", "STRUUID", "BNODE")
"""What an answer rests on that is not in one part of the data alone."""
_NO_SUM: Final = ("AVG", "MIN", "MAX", "HAVING")
"""What sees all that is counted, and not its parts."""
_FORMS: Final = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")


def load(
    folder: Path | None = None,
    vocabulary: Mapping[str, Scheme] | None = None,
    other_queries: Mapping[str, SavedQuery] | None = None,
) -> Mapping[str, SavedQuery]:
    """Every saved query of a folder, by name.

    Args:
        folder: where the ``.rq`` files are; the model's own questions by default.
        vocabulary: the concept schemes; the model's own by default.
        other_queries: other queries that these may take values from.

    Raises:
        ModelError: names file and line of every mistake in every file.
    """
    if folder is None and vocabulary is None and other_queries is None:
        return _questions()
    folder = folder or files("queries") / "questions"
    vocabulary = schemes() if vocabulary is None else vocabulary
    queries: dict[str, SavedQuery] = {}
    mistakes: list[str] = []
    for path in sorted(folder.glob("*.rq")):
        try:
            queries[path.stem] = read(path, vocabulary)
        except ModelError as error:
            mistakes.append(error.what)
    if not mistakes:
        mistakes = [
            f"{folder / name}.rq:{line}: {message}"
            for name, query in queries.items()
            for line, message in source_mistakes(query, {**(other_queries or {}), **queries})
        ]
    if mistakes:
        raise ModelError("\n".join(mistakes))
    return MappingProxyType(queries)


@cache
def _questions() -> Mapping[str, SavedQuery]:
    """The model's own questions."""
    return load(files("queries") / "questions")


@cache
def views() -> Mapping[str, SavedQuery]:
    """The queries that our own pages ask, by name."""
    return load(files("queries") / "views")


def load_all(own_folder: Path | None) -> Mapping[str, SavedQuery]:
    """The model's saved queries with those of a person's own folder, which win by name.

    Raises:
        WrongUsage: there is no such folder.
        ModelError: names file and line of every mistake in every file.
    """
    model = load()
    if own_folder and not own_folder.is_dir():
        raise WrongUsage(f"there is no folder {own_folder}", where="setting queries")
    return (
        MappingProxyType({**model, **load(own_folder, other_queries=model)})
        if own_folder
        else model
    )


def read(path: Path, vocabulary: Mapping[str, Scheme]) -> SavedQuery:
    """One saved query from its file.

    Raises:
        ModelError: names file and line of every mistake.
    """
    query, mistakes = examine(path.stem, _text(path), vocabulary)
    if mistakes:
        raise ModelError("\n".join(f"{path}:{line}: {message}" for line, message in mistakes))
    return query


def examine(
    name: str, text: str, vocabulary: Mapping[str, Scheme] | None = None
) -> tuple[SavedQuery, list[Mistake]]:
    """A saved query as far as its text says what it is, and every mistake in it by line.

    Args:
        name: its slug.
        text: the whole text of its file.
        vocabulary: the concept schemes; the model's own by default.
    """
    header = read_header(text, schemes() if vocabulary is None else vocabulary)
    body = inspect(text, header)
    mistakes = [*header.mistakes, *body.mistakes]
    if not is_slug(name):
        mistakes.append((1, f"{name[:80]!r} is not a slug: small letters, digits and hyphens"))
    for control in _CONTROL.finditer(text):
        line = text.count("\n", 0, control.start()) + 1
        mistakes.append((line, f"the character U+{ord(control[0]):04X} has no place in a query"))
        break
    query = SavedQuery(
        name=name,
        summary=header.summary,
        description=header.description,
        tags=header.tags,
        answers=header.answers,
        parameters=header.parameters,
        columns=header.columns,
        text=text,
        form=body.form,
        slots=body.slots,
        key=header.key,
        small_counts=header.small_counts,
        parts=header.parts,
        summaries=tuple(header.summaries.items()),
        descriptions=tuple(header.descriptions.items()),
    )
    return query, sorted(mistakes)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}:1: this is not UTF-8: {error}") from None


def is_slug(text: str) -> bool:
    """Whether it can be the name of a saved query: small letters, digits and hyphens.

    >>> [is_slug(name) for name in ("pilots-2", "..", "A", "a--b", "")]
    [True, False, False, False, False]
    """
    return SLUG.fullmatch(text) is not None


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
    mistakes = [*_slot_mistakes(text, slots, header), *_limit_mistakes(text, tokens)]
    if form is None:
        mistakes.append((1, f"there is no query here: expected one of {', '.join(_FORMS)}"))
        return QueryBody("", slots, tuple(mistakes))
    line = position(text, form.start)[0]
    if form.is_word("SELECT"):
        mistakes += _projection_mistakes(
            line, _projection(tokens[tokens.index(form) + 1 :]), header
        )
        mistakes += _order_mistakes(text, tokens)
        mistakes += _count_order_mistakes(text, tokens, header)
        mistakes += _parts_mistakes(text, tokens, header)
    else:
        if header.parts:
            line = header.lines["parts"]
            mistakes.append((line, "parts: only the rows of a SELECT have parts"))
        if header.small_counts:
            line = header.lines["small-counts"]
            message = "small-counts: only the rows of a SELECT have cells to withhold"
            mistakes.append((line, message))
    return QueryBody(form.text.upper(), slots, tuple(mistakes))


def _slot_mistakes(text: str, slots: Sequence[ParameterSlot], header: Header) -> Iterator[Mistake]:
    declared = {parameter.name: parameter for parameter in header.parameters}
    for parameter in header.parameters:
        line = header.lines[f"param {parameter.name}"]
        expected = parameter.written_default()
        own_slots = [slot for slot in slots if slot.name == parameter.name]
        if not own_slots:
            expected_line = f"VALUES ?{parameter.name} {{ {expected} }}"
            yield line, f"parameter {parameter.name} has no line '{expected_line}' in the query"
        for slot in own_slots:
            if text[slot.start : slot.end] != expected:
                found_text = text[slot.start : slot.end]
                line_found = position(text, slot.start)[0]
                yield (
                    line_found,
                    f"?{parameter.name} holds {found_text!r}; the header asks for {expected!r}",
                )
    for slot in slots:
        if slot.name not in declared and text[slot.start : slot.end].upper() == "UNDEF":
            yield position(text, slot.start)[0], f"the header declares no param {slot.name}"


def _limit_mistakes(text: str, tokens: Sequence[Token]) -> Iterator[Mistake]:
    for token in tokens:
        if token.is_word("LIMIT", "OFFSET"):
            line = position(text, token.start)[0]
            yield line, f"{token.text} belongs to whoever asks; leave it out"


def _projection(tokens: Sequence[Token]) -> list[str]:
    """The names that SELECT projects, ``*`` as itself."""
    names: list[str] = []
    depth = 0
    alias = False
    for token in tokens:
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
    order_tokens = order_by(tokens)
    if order_tokens:
        yield from _order_by_mistakes(text, order_tokens)
    else:
        yield 1, "there is no ORDER BY: the same rows must come in the same order everywhere"


def _count_order_mistakes(text: str, tokens: Sequence[Token], header: Header) -> Iterator[Mistake]:
    """The mistake of ordering rows by counts, which would disclose those that are withheld."""
    rule = header.small_counts
    if rule is None:
        return
    for token in order_by(tokens):
        orders_by_count = token.kind == "variable" and token.text[1:] in (rule.column, *rule.along)
        if orders_by_count or token.is_word(*AGGREGATES):
            line = position(text, token.start)[0]
            yield line, f"ORDER BY {token.text} would tell about withheld counts; order otherwise"


def _parts_mistakes(text: str, tokens: Sequence[Token], header: Header) -> Iterator[Mistake]:
    """Why an answer cannot be put together from its parts, as far as the text tells."""
    if not header.parts:
        return
    line, columns = header.lines["parts"], [column.name for column in header.columns]
    for parameter in header.parameters:
        if parameter.today or parameter.required:
            why = "has another value each day" if parameter.today else "has no value by itself"
            yield line, f"parts: the parameter {parameter.name} {why}"
    for token in tokens:
        if token.is_word(*_BEYOND_PARTS) or (header.parts == "sum" and token.is_word(*_NO_SUM)):
            found_in = position(text, token.start)[0]
            yield found_in, f"parts: {token.text} sees more than one part of the data"
    for token in order_by(tokens):
        if token.kind == "variable" and token.text[1:] not in columns:
            found_in = position(text, token.start)[0]
            yield found_in, f"parts: the rows are put in order anew, and {token.text} is no column"
    if header.parts == "sum" and not any(column.unit for column in header.columns):
        yield line, "parts: no column counts anything (unit), so there is nothing to add up"


def _order_by_mistakes(text: str, order_tokens: Sequence[Token]) -> Iterator[Mistake]:
    for token in order_tokens:
        if token.is_word("VALUES"):
            line = position(text, token.start)[0]
            yield (
                line,
                "VALUES after ORDER BY leaves no place for a LIMIT; move it into the pattern",
            )


def find(queries: Iterable[SavedQuery], words: str, tags: Iterable[str]) -> list[SavedQuery]:
    """The questions that hold all words and have all tags, in the order they came.

    Args:
        queries: what is looked through.
        words: words or parts of words, separated by spaces, in any case.
        tags: whole tags.
    """
    required_words, required_tags = words.casefold().split(), frozenset(tags)
    return [
        query
        for query in queries
        if required_tags <= set(query.tags)
        and all(word in _searched_text(query) for word in required_words)
    ]


def _searched_text(query: SavedQuery) -> str:
    parts = (query.name, query.summary, query.description, *query.tags, *query.answers)
    translated = (text for _, text in (*query.summaries, *query.descriptions))
    parameter_texts = (
        f"{parameter.name} {parameter.description}" for parameter in query.parameters
    )
    column_names = (column.name for column in query.columns)
    return " ".join((*parts, *translated, *parameter_texts, *column_names)).casefold()
