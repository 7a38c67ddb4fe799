"""Linter of saved queries and charts: every mistake of every file, with its line.

The header and the rules for the body are checked on the text (`coprod_kg.queries.header`,
`coprod_kg.queries.library`). Then the query is run over an empty dataset, on the same way as every
query: what the service would refuse is a mistake, and so is what the engine cannot read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Final

from coprod_kg.errors import (
    CoprodError,
    QueryFailed,
    QueryMemory,
    QueryRefused,
    QuerySyntax,
    QueryTimeout,
    QueryTooDeep,
    WrongUsage,
)
from coprod_kg.model.namespaces import prefixes, shorten, terms
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.ask import ask
from coprod_kg.queries.charts.checks import chart_mistakes
from coprod_kg.queries.header import Mistake
from coprod_kg.queries.library import SavedQuery, examine, load, load_all
from coprod_kg.queries.permitted_values import source_mistakes
from coprod_kg.settings import Settings
from coprod_kg.sparql.query_dialect import AGGREGATES
from coprod_kg.sparql.tokens import Token, named_iris, position, significant
from coprod_kg.store.base import Query, Store

__all__ = [
    "CHART",
    "LintFault",
    "decoded",
    "faults",
    "files_of",
    "hints",
    "query_mistakes",
]


CHART: Final = ".vl.json"
"""How the name of a chart ends; it begins as its query's does."""

_NOTHING: Final = "urn:x-coprod:nothing"
"""A graph that is not there: the dataset in which a query is tried."""
_SECONDS: Final = 10.0
"""How long a query may take over no data."""
_PLACE: Final = re.compile(r"line ([0-9]+)(?:, (column [0-9]+))?")

_AFTER_PATTERN: Final = ("GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "VALUES")


@dataclass(frozen=True, slots=True, order=True)
class LintFault:
    """One mistake in a file."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def files_of(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The queries and charts among files and folders, each once.

    Raises:
        WrongUsage: a file is neither, or a path is not there.
    """
    files: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            folder_files = [*path.glob("*.rq"), *path.glob(f"*{CHART}")]
            files |= dict.fromkeys(sorted(folder_files))
        elif path.is_file() and path.name.endswith((".rq", CHART)):
            files[path] = None
        else:
            raise WrongUsage(
                f"{path} is no saved query",
                fix=f"Name folders, or files that end with .rq or {CHART}.",
            )
    return tuple(files)


def faults(paths: Sequence[Path], store: Store, settings: Settings) -> list[LintFault]:
    """Every mistake in files of queries and charts, in the order of the files.

    Args:
        paths: the files.
        store: where the queries are tried, over an empty dataset.
        settings: what SERVICE may call, and the deadline.
    """
    return [
        LintFault(path, line, message)
        for path in paths
        for line, message in (
            _chart_file_mistakes(path)
            if path.name.endswith(CHART)
            else _query_file_mistakes(path, store, settings)
        )
    ]


def hints(paths: Sequence[Path]) -> list[LintFault]:
    """Warnings about files of queries that are valid, but hardly mean what their author wanted.

    Args:
        paths: the files.
    """
    return [
        LintFault(path, line, message)
        for path in paths
        if not path.name.endswith(CHART)
        for line, message in having_hints(decoded(path.read_bytes())[0])
    ]


def query_mistakes(
    query: SavedQuery,
    store: Store,
    settings: Settings,
    other_queries: Mapping[str, SavedQuery] | None = None,
) -> Iterator[Mistake]:
    """The mistakes for which the service would refuse a query, or the engine cannot read it.

    Args:
        query: the query.
        store: where it is tried, over an empty dataset.
        settings: what SERVICE may call, and the deadline.
        other_queries: the queries that its parameters may take values from, besides the model's;
            those of the settings by default.
    """
    if any(parameter.values_from for parameter in query.parameters):
        source_queries = (
            load_all(settings.queries) if other_queries is None else {**load(), **other_queries}
        )
        yield from source_mistakes(query, source_queries)
    yield from unknown_terms(query.text)
    if not query.form:
        return
    query_over_nothing = Query(
        query.text,
        query.media_types,
        default_graphs=(_NOTHING,),
        seconds=min(_SECONDS, settings.query_seconds),
    )
    try:
        ask(store, query_over_nothing, settings).read()
    except (QueryFailed, QueryRefused, QuerySyntax, QueryTooDeep) as error:
        yield _mistake_of(error, query.text)
    except (QueryTimeout, QueryMemory) as error:
        yield 1, f"it is too much even over no data: {error.what}"


def decoded(data: bytes) -> tuple[str, list[Mistake]]:
    """The text of a file; a mistake where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", [(line, f"this is not UTF-8: {error.reason}")]


def _query_file_mistakes(path: Path, store: Store, settings: Settings) -> list[Mistake]:
    text, encoding_mistakes = decoded(path.read_bytes())
    if encoding_mistakes:
        return encoding_mistakes
    query, mistakes = examine(path.stem, text)
    siblings_by_name = {}
    if any(parameter.values_from for parameter in query.parameters):
        siblings = (
            examine(file.stem, decoded(file.read_bytes())[0]) for file in path.parent.glob("*.rq")
        )
        siblings_by_name = {sibling.name: sibling for sibling, _ in siblings}
    return sorted([*mistakes, *query_mistakes(query, store, settings, siblings_by_name)])


def _chart_file_mistakes(path: Path) -> list[Mistake]:
    name = path.name.removesuffix(CHART)
    query_path = path.with_name(f"{name}.rq")
    if not query_path.is_file():
        return [(1, f"there is no query {query_path.name} beside this chart")]
    text, encoding_mistakes = decoded(path.read_bytes())
    if encoding_mistakes:
        return encoding_mistakes
    query, _ = examine(name, decoded(query_path.read_bytes())[0])
    if query.is_graph:
        return [(1, f"{query_path.name} gives a graph, of which there is no chart")]
    return chart_mistakes(text, [column.name for column in query.columns])


def _mistake_of(error: CoprodError, text: str) -> Mistake:
    """The fault for an error, at its line; the last line where the text broke off."""
    match = _PLACE.search(error.where or "")
    line = min(int(match[1]), max(len(text.splitlines()), 1)) if match else 1
    column = f"{match[2]}: " if match and match[2] else ""
    fix = f". {error.fix}" if error.fix and isinstance(error, QuerySyntax) else ""
    return line, f"{column}{error.what}{fix}"


def unknown_terms(text: str) -> Iterator[Mistake]:
    """Every term of the ontology's or a scheme's namespace that is not defined there, once.

    Args:
        text: a query, valid or not.
    """
    reported = set[str]()
    for token, iri in named_iris(text):
        unknown = _unknown_term(iri)
        if unknown is not None and iri not in reported:
            reported.add(iri)
            yield position(text, token.start)[0], unknown


def having_hints(text: str) -> Iterator[Mistake]:
    """Every name in a HAVING that SELECT gives only afterwards, so that it is not bound there.

    Args:
        text: a query, valid or not.
    """
    tokens = list(significant(text))
    for index, token in enumerate(tokens):
        if token.is_word("SELECT"):
            yield from _unseen_names(text, tokens[index + 1 :])


def _unknown_term(iri: str) -> str | None:
    for space, known_names in _known_names().items():
        name = iri.removeprefix(space)
        if name == iri or not name or name in known_names:
            continue
        nearest = get_close_matches(name, known_names, 1, 0.6)
        beginning = (
            "the ontology defines no term" if space == prefixes()["cp"] else "there is no concept"
        )
        suggestion = f"; did you mean {shorten(space + nearest[0])}?" if nearest else ""
        return f"{beginning} {shorten(iri)[:80]}{suggestion}"
    return None


@cache
def _known_names() -> Mapping[str, frozenset[str]]:
    """Namespace of the model → the names in it."""
    ontology = prefixes()["cp"]
    names_by_namespace = {ontology: frozenset(iri.removeprefix(ontology) for iri in terms())}
    model_namespace = prefixes()["cp"].removesuffix("ontology#")
    for scheme in schemes().values():
        space = f"{scheme.iri}/"
        if not space.startswith(model_namespace):
            continue  # a list of others, of which the model has a part
        iris = (concept.iri for concept in scheme.concepts.values())
        names_by_namespace[space] = frozenset(iri.removeprefix(space) for iri in iris)
    return names_by_namespace


def _unseen_names(text: str, tokens: list[Token]) -> Iterator[Mistake]:
    """The hints of one SELECT, whose first token comes first."""
    select_names, group_names, enclosing_words = set[str](), set[str](), list[str]()
    part, depth, previous = "SELECT", 0, Token("space", "", 0)
    for token in tokens:
        depth += (token.text == "{") - (token.text == "}")
        if depth < 0:
            return
        if depth == 0:
            if token.is_word(*_AFTER_PATTERN):
                part = token.text.upper()
            elif token.text == "(":
                enclosing_words.append(previous.text.upper())
            elif token.text == ")" and enclosing_words:
                enclosing_words.pop()
            elif token.kind == "variable":
                name = token.text[1:]
                if part == "SELECT" and previous.is_word("AS"):
                    select_names.add(name)
                elif part == "GROUP":
                    group_names.add(name)
                elif (
                    part == "HAVING"
                    and name in select_names - group_names
                    and not set(AGGREGATES) & {*enclosing_words}
                ):
                    yield (
                        position(text, token.start)[0],
                        f"HAVING does not see {token.text}, which SELECT names after it, so no row "
                        "comes; write what it stands for, such as COUNT(*), in its place",
                    )
        previous = token
