"""Linter of saved queries and charts: every mistake of every file, with its line.

The header and the rules for the body are checked on the text (`coprod_kg.queries.header`,
`coprod_kg.queries.body`). Then the query is run over an empty dataset, on the same way as every
query: what the service would refuse is a mistake, and so is what the engine cannot read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from coprod_kg.queries.ask import ask
from coprod_kg.queries.charts.checks import chart_mistakes
from coprod_kg.queries.header import Mistake
from coprod_kg.queries.library import SavedQuery, examine, load, load_all
from coprod_kg.queries.permitted_values import source_mistakes
from coprod_kg.queries.vocabulary_use import having_hints, unknown_terms
from coprod_kg.settings import Settings
from coprod_kg.store.base import Query, Store

__all__ = ["CHART", "LintFault", "decoded", "faults", "files_of", "hints", "query_mistakes"]

CHART: Final = ".vl.json"
"""How the name of a chart ends; it begins as its query's does."""

_NOTHING: Final = "urn:x-coprod:nothing"
"""A graph that is not there: the dataset in which a query is tried."""
_SECONDS: Final = 10.0
"""How long a query may take over no data."""
_PLACE: Final = re.compile(r"line ([0-9]+)(?:, (column [0-9]+))?")


@dataclass(frozen=True, slots=True, order=True)
class LintFault:
    """One mistake in a file."""

    file: Path
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


def files_of(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The queries and charts among files and folders, each once.

    Raises:
        WrongUsage: a file is neither, or a path is not there.
    """
    files: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = [*path.glob("*.rq"), *path.glob(f"*{CHART}")]
            files |= dict.fromkeys(sorted(inside))
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
        store: where the queries are tried; its data is not looked at.
        settings: what SERVICE may call, and the deadline.
    """
    return [
        LintFault(path, line, what)
        for path in paths
        for line, what in (
            _of_chart(path) if path.name.endswith(CHART) else _of_query(path, store, settings)
        )
    ]


def hints(paths: Sequence[Path]) -> list[LintFault]:
    """Warnings about files of queries: no mistakes, and hardly what was meant.

    Args:
        paths: the files.
    """
    return [
        LintFault(path, line, what)
        for path in paths
        if not path.name.endswith(CHART)
        for line, what in having_hints(decoded(path.read_bytes())[0])
    ]


def query_mistakes(
    query: SavedQuery,
    store: Store,
    settings: Settings,
    beside: Mapping[str, SavedQuery] | None = None,
) -> Iterator[Mistake]:
    """The mistakes for which the service would refuse a query, or the engine cannot read it.

    Args:
        query: the query.
        store: where it is tried; its data is not looked at.
        settings: what SERVICE may call, and the deadline.
        beside: the queries that its parameters may take values from, beside the model's; those
            of the settings by default.
    """
    if any(parameter.values_from for parameter in query.parameters):
        known = load_all(settings.queries) if beside is None else {**load(), **beside}
        yield from source_mistakes(query, known)
    yield from unknown_terms(query.text)
    if not query.form:
        return
    asked = Query(
        query.text,
        query.media_types,
        default_graphs=(_NOTHING,),
        seconds=min(_SECONDS, settings.query_seconds),
    )
    try:
        ask(store, asked, settings).read()
    except (QueryFailed, QueryRefused, QuerySyntax, QueryTooDeep) as error:
        yield _told(error, query.text)
    except (QueryTimeout, QueryMemory) as error:
        yield 1, f"it is too much even over no data: {error.what}"


def decoded(data: bytes) -> tuple[str, list[Mistake]]:
    """The text of a file; a mistake where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", [(line, f"this is not UTF-8: {error.reason}")]


def _of_query(path: Path, store: Store, settings: Settings) -> list[Mistake]:
    text, wrong = decoded(path.read_bytes())
    if wrong:
        return wrong
    query, mistakes = examine(path.stem, text)
    others = {}
    if any(parameter.values_from for parameter in query.parameters):
        siblings = (
            examine(file.stem, decoded(file.read_bytes())[0]) for file in path.parent.glob("*.rq")
        )
        others = {sibling.name: sibling for sibling, _ in siblings}
    return sorted([*mistakes, *query_mistakes(query, store, settings, others)])


def _of_chart(path: Path) -> list[Mistake]:
    name = path.name.removesuffix(CHART)
    beside = path.with_name(f"{name}.rq")
    if not beside.is_file():
        return [(1, f"there is no query {beside.name} beside this chart")]
    text, wrong = decoded(path.read_bytes())
    if wrong:
        return wrong
    query, _ = examine(name, decoded(beside.read_bytes())[0])
    if query.is_graph:
        return [(1, f"{beside.name} gives a graph, of which there is no chart")]
    return chart_mistakes(text, [column.name for column in query.columns])


def _told(error: CoprodError, text: str) -> Mistake:
    """The fault for an error, at its line; the last line where the text broke off."""
    place = _PLACE.search(error.where or "")
    line = min(int(place[1]), max(len(text.splitlines()), 1)) if place else 1
    column = f"{place[2]}: " if place and place[2] else ""
    fix = f". {error.fix}" if error.fix and isinstance(error, QuerySyntax) else ""
    return line, f"{column}{error.what}{fix}"
