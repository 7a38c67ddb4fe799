"""The named graph of submitted queries: ``<base>graph/queries``, read and committed as data.

It is written in the terms of the catalogue (`coprod_kg.queries.description`). So a query is in one
version of the dataset or not, every process sees it as soon as it is committed, a backup has it,
and its record is an activity in the graph of provenance like that of any other change. A client
that asks an older version is given the query as it was then. Queries are checked before
(`coprod_kg.queries.submitted.edit`).
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, serialize

from coprod_kg.formats.media_types import CHARTS, GRAPHS, ROWS
from coprod_kg.formats.table import read_table
from coprod_kg.queries.charts.checks import chart_mistakes
from coprod_kg.queries.description import entry
from coprod_kg.queries.library import SavedQuery, Submitted, examine
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Commit, Query, Store
from coprod_kg.updates import UpdateRecord

__all__ = ["Collection", "Edit", "graph_of", "keep", "remove"]

_PROV: Final = "http://www.w3.org/ns/prov#"
_SCHEMA: Final = "https://schema.org/"
_SH: Final = "http://www.w3.org/ns/shacl#"
_MODIFIED: Final = "http://purl.org/dc/terms/modified"
_DATE_TIME: Final = NamedNode("http://www.w3.org/2001/XMLSchema#dateTime")
_VERSIONS: Final = 8
"""Of how many versions of the data a process remembers the questions."""
_ALL: Final = """
PREFIX sh: <{sh}>
SELECT ?query ?text ?by ?at ?chart WHERE {{ GRAPH <{graph}> {{
  ?query sh:select|sh:ask|sh:construct|sh:describe ?text
  OPTIONAL {{ ?query <{prov}wasAttributedTo> ?by }}
  OPTIONAL {{ ?query <{modified}> ?at }}
  OPTIONAL {{ ?query <{schema}associatedMedia> ?media . ?media <{schema}text> ?chart }}
}} }} ORDER BY ?query ?text ?chart"""
_OTHERS: Final = """
CONSTRUCT {{ ?s ?p ?o }} WHERE {{ GRAPH <{graph}> {{
  ?s ?p ?o FILTER (?s NOT IN (<{query}>, <{query}/chart>))
}} }}"""


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit of the collection.

    Attributes:
        store: where it is made.
        settings: where things are named, and the deadline.
        token_name: the name of the token.
        base: the version of the data that it is made from.
    """

    store: Store
    settings: Settings
    token_name: str
    base: int


class Collection:
    """The questions that were submitted, of each version of the data."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Read nothing yet."""
        self._store = store
        self._settings = settings
        self._lock = threading.Lock()
        self._known: OrderedDict[int, Mapping[str, SavedQuery]] = OrderedDict()

    def at_version(self, version: int) -> Mapping[str, SavedQuery]:
        """The submitted queries of one version, by name.

        Raises:
            VersionGone: the version is not kept.
            CoprodError: what else a store raises that is asked.
        """
        with self._lock:
            queries = self._known.get(version)
        if queries is None:
            queries = MappingProxyType(dict(_read_queries(self._store, self._settings, version)))
            with self._lock:
                self._known[version] = queries
                while len(self._known) > _VERSIONS:
                    self._known.popitem(last=False)
        return queries

    def visible(self, pinned: int | None = None) -> Mapping[str, SavedQuery]:
        """The queries of the newest version, or those of an older one and the newer ones."""
        newest = self.at_version(self._store.version())
        return newest if pinned is None else {**newest, **self.at_version(pinned)}


def graph_of(base_iri: str) -> str:
    """The IRI of the graph that holds the questions that were submitted."""
    return f"{base_iri}graph/queries"


def keep(query: SavedQuery, activity_label: str, uploads: tuple[bytes, ...], edit: Edit) -> Commit:
    """Make a question part of the data, in place of the one of its name.

    Args:
        query: the question, with who submitted it.
        activity_label: what was done, in a few words.
        uploads: the bytes that were sent: its text, its chart, or none.
        edit: the edit: whose it is, and from which version.

    Raises:
        StoreChanged: the edit was made from a version that is not the newest.
    """
    iri = f"{edit.settings.base_iri}queries/{query.name}"
    record = _record(uploads, activity_label, edit)
    triples = serialize(_triples(query, iri, edit.settings), format=RdfFormat.N_TRIPLES) or b""
    return _commit(_other_triples(iri, edit) + triples, (iri, "generated"), record, edit)


def remove(query: SavedQuery, edit: Edit) -> Commit:
    """Take a question out of the data; versions that have it keep it.

    Raises:
        StoreChanged: the edit was made from a version that is not the newest.
    """
    iri = f"{edit.settings.base_iri}queries/{query.name}"
    record = _record((), "A question removed", edit)
    return _commit(_other_triples(iri, edit), (iri, "invalidated"), record, edit)


def _read_queries(
    store: Store, settings: Settings, version: int
) -> Iterator[tuple[str, SavedQuery]]:
    """Every question of a version; other statements, as of an update, are left out."""
    base, seen = f"{settings.base_iri}queries/", set[str]()
    text = _ALL.format(
        sh=_SH, graph=graph_of(settings.base_iri), prov=_PROV, schema=_SCHEMA, modified=_MODIFIED
    )
    query_all = Query(text, (ROWS[0].media_type,), version=version, seconds=settings.query_seconds)
    for row in read_table(store.query(query_all).read()).texts():
        name = row["query"].removeprefix(base)
        is_new = name != row["query"] and name not in seen
        query = _sound(name, row["text"]) if is_new else None
        if query is not None:
            seen.add(name)
            chart = row.get("chart")
            chart_fits = chart is not None and _fits(
                chart, tuple(column.name for column in query.columns)
            )
            by = row.get("by", "").removeprefix(f"{settings.base_iri}id/agent/")
            source = Submitted(by, row.get("at", ""), chart if chart_fits else None)
            yield name, replace(query, submitted=source)


@lru_cache(maxsize=2048)
def _sound(name: str, text: str) -> SavedQuery | None:
    query, mistakes = examine(name, text)
    return None if mistakes else query


@lru_cache(maxsize=2048)
def _fits(chart: str, columns: tuple[str, ...]) -> bool:
    return not chart_mistakes(chart, columns)


def _other_triples(iri: str, edit: Edit) -> bytes:
    """The graph's triples about all queries but one."""
    text = _OTHERS.format(graph=graph_of(edit.settings.base_iri), query=iri)
    lines = GRAPHS[2].media_type
    construct = Query(text, (lines,), version=edit.base, seconds=edit.settings.query_seconds)
    return edit.store.query(construct).read()


def _triples(query: SavedQuery, iri: str, settings: Settings) -> Iterator[Triple]:
    node, source, base_iri = NamedNode(iri), query.submitted, settings.base_iri
    yield from entry(query, base_iri, settings.root)
    if source is None:
        return
    agent = NamedNode(f"{base_iri}id/agent/{source.by}")
    yield Triple(node, NamedNode(f"{_PROV}wasAttributedTo"), agent)
    yield Triple(node, NamedNode(_MODIFIED), Literal(source.at, datatype=_DATE_TIME))
    if source.chart is not None:
        chart, kind = NamedNode(f"{iri}/chart"), CHARTS[2].media_type
        yield Triple(node, NamedNode(f"{_SCHEMA}associatedMedia"), chart)
        yield Triple(chart, NamedNode(f"{_SCHEMA}encodingFormat"), Literal(kind))
        yield Triple(chart, NamedNode(f"{_SCHEMA}text"), Literal(source.chart))


def _record(uploads: tuple[bytes, ...], activity_label: str, edit: Edit) -> UpdateRecord:
    return UpdateRecord(
        edit.settings.base_iri, edit.token_name, activity_label, uploads, datetime.now(UTC)
    )


def _commit(
    content: bytes, iri_and_event: tuple[str, str], record: UpdateRecord, edit: Edit
) -> Commit:
    """Commit the whole graph, and the record of what was done to which question."""
    iri, event = iri_and_event
    activity = record.activity()
    line = f"<{activity}> <{_PROV}{event}> <{iri}> .\n"
    change = Change(
        replace={graph_of(edit.settings.base_iri): content},
        add={record.graph: record.ntriples(activity) + line.encode()},
        activity=activity,
        base=edit.base,
        depends_on=(graph_of(edit.settings.base_iri),),
    )
    return edit.store.commit(change)
