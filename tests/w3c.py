"""The W3C's test cases of SPARQL 1.0 and 1.1: read from their manifests, and answers compared.

A case names graphs of its own, a query and its answer. Terms are compared as they are written, rows
as a bag, and in their order where the answer has one; blank nodes by isomorphism.
"""

import csv
import os
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph as ox

from tests.test_queries import number

__all__ = [
    "CASES",
    "SPELLING",
    "Case",
    "canonical",
    "failures",
    "otherwise",
    "query_cases",
]

CASES = Path(os.environ.get("COPROD_W3C", "no folder is named"))
"""Where ``.ci/fetch_w3c.sh`` put the cases."""
FOLDERS = ("sparql10", "sparql11")
LEFT_OUT = ("entailment", "service")
"""The service concludes nothing from a query, and calls no service that is not listed."""
SPELLING = "the same values, spelt otherwise"
NO_ANSWER = "no answer, or one that cannot be read"
OTHER = "another answer"

TOP = "https://w3c.github.io/rdf-tests/sparql/"
"""Under this address the files are published, and relative IRIs are read against it."""
NOTHING = "urn:nothing"
"""The default graph of a case without one."""
MF = "http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"
QT = "http://www.w3.org/2001/sw/DataAccess/tests/test-query#"
RS = "http://www.w3.org/2001/sw/DataAccess/tests/result-set#"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XSD = "http://www.w3.org/2001/XMLSchema#"

_NUMERIC = {f"{XSD}{kind}" for kind in ("integer", "decimal", "float", "double")}
_FROM = re.compile(r"\bFROM\s+(?:NAMED\s+)?<([^>]*)>", re.IGNORECASE)
_ORDERED = re.compile(r"\bORDER\s+BY\b[^{}]*\Z", re.IGNORECASE)
_FORM = re.compile(r"^[^#<]*?\b(SELECT|ASK|CONSTRUCT|DESCRIBE)\b", re.IGNORECASE | re.MULTILINE)
_GRAPHS = {".ttl": ox.RdfFormat.TURTLE, ".rdf": ox.RdfFormat.RDF_XML, ".nt": ox.RdfFormat.N_TRIPLES}
_RESULTS = {
    ".srx": ox.QueryResultsFormat.XML,
    ".srj": ox.QueryResultsFormat.JSON,
    ".tsv": ox.QueryResultsFormat.TSV,
}
_ROWS = {".csv": "text/csv", ".tsv": "text/tab-separated-values"}


@dataclass(frozen=True)
class Case:
    """A query over graphs, each named by the address of its file, and the file of its answer.

    Attributes:
        name: its folder and its own name.
        query: with its base.
        default: the default graphs.
        named: the named graphs.
        result: the file of the answer.
        lax: whether a row may come fewer times.
    """

    name: str
    query: str
    default: tuple[str, ...]
    named: tuple[str, ...]
    result: Path
    lax: bool

    @property
    def names_dataset(self) -> bool:
        """Whether the query itself says over which graphs it is asked."""
        return _FROM.search(self.query) is not None

    @property
    def dataset(self) -> tuple[tuple[str, str], ...]:
        """The parameters of the protocol that name its dataset; none where the query does."""
        if self.names_dataset:
            return ()
        return (
            *(("default-graph-uri", graph) for graph in self.default or (NOTHING,)),
            *(("named-graph-uri", graph) for graph in self.named),
        )

    @property
    def graphs(self) -> frozenset[str]:
        """All graphs that it is asked over."""
        folder = self.query[len("BASE <") : self.query.index(">")].rpartition("/")[0]
        told = (f"{folder}/{name}" for name in _FROM.findall(self.query))
        return frozenset((*self.default, *self.named, *told))

    @property
    def media_type(self) -> str:
        """In which form its answer is asked for."""
        if self.result.suffix in _ROWS:
            return _ROWS[self.result.suffix]
        return "application/n-triples" if self.constructs else "application/sparql-results+json"

    @property
    def constructs(self) -> bool:
        """Whether its answer is a graph."""
        found = _FORM.search(self.query.partition("\n")[2])
        assert found, self.name
        return found[1].upper() in ("CONSTRUCT", "DESCRIBE")


@dataclass(frozen=True)
class Rows:
    """An answer of variables and rows, and whether their order counts."""

    variables: tuple[str, ...]
    rows: tuple[Mapping[str, object], ...]
    ordered: bool = False


Cells = tuple[tuple[str, ...], ...]
Found = Rows | bool | list[ox.Triple] | Cells


class Manifest:
    """The statements of a manifest."""

    def __init__(self, path: Path) -> None:
        self.folder = f"{path.parent.parent.name}/{path.parent.name}"
        self._store = ox.Store()
        self._store.load(path=path, format=ox.RdfFormat.TURTLE, base_iri=_iri(path))

    def all(self, subject: object, predicate: str) -> list[Any]:
        """The objects of statements."""
        found = self._store.quads_for_pattern(subject, ox.NamedNode(predicate), None)  # type: ignore[arg-type]
        return [quad.object for quad in found]

    def one(self, subject: object, predicate: str) -> Any:
        """The object of the only one, if there is one."""
        return next(iter(self.all(subject, predicate)), None)

    def entries(self, *kinds: str) -> Iterator[Any]:
        """The cases that it lists, of some kinds."""
        node = self.one(None, f"{MF}entries")
        while node is not None and node.value != f"{RDF}nil":
            entry = self.one(node, f"{RDF}first")
            if self.one(entry, f"{RDF}type").value in {f"{MF}{kind}" for kind in kinds}:
                yield entry
            node = self.one(node, f"{RDF}rest")

    def name(self, entry: Any) -> str:
        """The name of a case among all."""
        return f"{self.folder}/{entry.value.rpartition('#')[2]}"


def _manifests() -> Iterator[Manifest]:
    for folder in FOLDERS:
        for path in sorted((CASES / folder).glob("*/manifest.ttl")):
            if path.parent.name not in LEFT_OUT:
                yield Manifest(path)


@cache
def query_cases() -> Mapping[str, Case]:
    """The cases of queries, by name."""
    found: dict[str, Case] = {}
    for manifest in _manifests():
        for entry in manifest.entries("QueryEvaluationTest", "CSVResultFormatTest"):
            action = manifest.one(entry, f"{MF}action")
            query = manifest.one(action, f"{QT}query").value
            name = manifest.name(entry)
            found[name] = Case(
                name,
                _with_base(query),
                tuple(sorted(graph.value for graph in manifest.all(action, f"{QT}data"))),
                tuple(sorted(graph.value for graph in manifest.all(action, f"{QT}graphData"))),
                _file(manifest.one(entry, f"{MF}result").value),
                lax=manifest.one(entry, f"{MF}resultCardinality") is not None,
            )
    return found


def _with_base(iri: str) -> str:
    return f"BASE <{iri}>\n{_file(iri).read_text(encoding='utf-8')}"


def _iri(path: Path) -> str:
    return TOP + path.relative_to(CASES).as_posix()


def _file(iri: str) -> Path:
    return CASES / iri.removeprefix(TOP)


def _parsed(graph: str) -> list[ox.Triple]:
    """The triples of a file, their terms as they are written; its blank nodes are its own."""
    path = _file(graph)
    form = _GRAPHS[path.suffix]
    found = ox.parse(path=path, format=form, base_iri=graph, rename_blank_nodes=True)
    return [quad.triple for quad in found]


@cache
def content(graph: str) -> bytes:
    """A graph of the cases as N-Triples."""
    return ox.serialize(_parsed(graph), format=ox.RdfFormat.N_TRIPLES) or b""


def otherwise(asked: Callable[[Case], bytes], cases: Iterable[Case]) -> Mapping[str, str]:
    """The cases whose answer is another one, by name: `SPELLING`, `NO_ANSWER` or `OTHER`.

    Args:
        asked: gives the answer to a case, in its media type; raises where there is none.
        cases: those that are asked.
    """
    found: dict[str, str] = {}
    for case in cases:
        wanted = _expected(case)
        try:
            received = _received(case, asked(case), wanted)
        except Exception:  # noqa: BLE001  # refused, or an answer that cannot be read
            found[case.name] = NO_ANSWER
            continue
        if not _agrees(received, wanted, case, by_value=False):
            spelling = _agrees(received, wanted, case, by_value=True)
            found[case.name] = SPELLING if spelling else OTHER
    return found


@cache
def failures(engine: str) -> Mapping[str, str]:
    """The cases that `w3c_failures.toml` lists for an engine, and what differs."""
    listed = tomllib.loads(Path(__file__).with_name("w3c_failures.toml").read_text())[engine]
    return {
        name: reason if reason in (SPELLING, NO_ANSWER) else OTHER
        for reason, names in listed.items()
        for name in names
    }


def _expected(case: Case) -> Found:
    suffix = case.result.suffix
    if suffix in _RESULTS or suffix == ".csv":
        ordered = _ORDERED.search(case.query) is not None
        return _read(case.result.read_bytes(), suffix, ordered=ordered)
    triples = _parsed(_iri(case.result))
    return triples if case.constructs else _result_set(triples)


def _received(case: Case, body: bytes, wanted: Found) -> Found:
    if case.constructs:
        return [quad.triple for quad in ox.parse(body, format=ox.RdfFormat.N_TRIPLES)]
    suffix = case.result.suffix if case.result.suffix in _ROWS else ".srj"
    return _read(body, suffix, ordered=isinstance(wanted, Rows) and wanted.ordered)


def _read(body: bytes, suffix: str, *, ordered: bool) -> Found:
    if suffix == ".csv":
        return tuple(tuple(row) for row in csv.reader(body.decode().splitlines()))
    answer = ox.parse_query_results(body, format=_RESULTS[suffix])
    if isinstance(answer, ox.QueryBoolean):
        return bool(answer)
    assert isinstance(answer, ox.QuerySolutions)
    names = tuple(variable.value for variable in answer.variables)
    rows = tuple({name: row[name] for name in names if row[name] is not None} for row in answer)
    return Rows(names, rows, ordered)


def _result_set(triples: list[ox.Triple]) -> Rows | bool:
    """The rows that a graph of the result-set vocabulary tells."""
    told: dict[tuple[object, str], list[Any]] = {}
    for triple in triples:
        name = triple.predicate.value.removeprefix(RS)
        told.setdefault((triple.subject, name), []).append(triple.object)
    (top,) = {triple.subject for triple in triples if triple.object.value == f"{RS}ResultSet"}  # type: ignore[union-attr]
    if (top, "boolean") in told:
        return bool(told[top, "boolean"][0].value == "true")
    rows: list[tuple[int, dict[str, object]]] = []
    for solution in told.get((top, "solution"), ()):
        row = {
            told[binding, "variable"][0].value: told[binding, "value"][0]
            for binding in told.get((solution, "binding"), ())
        }
        index = told.get((solution, "index"))
        rows.append((int(index[0].value) if index else 0, row))
    names = tuple(name.value for name in told.get((top, "resultVariable"), ()))
    ordered = any(index for index, _ in rows)
    return Rows(names, tuple(row for _, row in sorted(rows, key=lambda pair: pair[0])), ordered)


def _agrees(received: Found, wanted: Found, case: Case, *, by_value: bool) -> bool:
    """Whether an answer is the one that is wanted.

    Args:
        received: the answer.
        wanted: what the case says.
        case: asked.
        by_value: whether 1.0 and 1.00, and "a"@en and "a"@EN, are the same term.
    """
    if isinstance(received, Rows) and isinstance(wanted, Rows):
        if sorted(received.variables) != sorted(wanted.variables):
            return False
        if case.lax:
            given, most = _counted(received, by_value), _counted(wanted, by_value)
            return given.keys() == most.keys() and given <= most
        return canonical(_quads(received, by_value)) == canonical(_quads(wanted, by_value))
    if isinstance(received, list) and isinstance(wanted, list):
        one, other = (_graph(triples, by_value) for triples in (received, wanted))
        return canonical(one) == canonical(other)
    if isinstance(received, tuple) and isinstance(wanted, tuple):
        return _texts(received) == _texts(wanted)
    return received is wanted  # two booleans


def _graph(triples: list[ox.Triple], by_value: bool) -> list[ox.Quad]:
    return [
        ox.Quad(subject, predicate, _valued(term) if by_value else term)  # type: ignore[arg-type]
        for subject, predicate, term in triples
    ]


def _counted(found: Rows, by_value: bool) -> Counter[tuple[tuple[str, object], ...]]:
    return Counter(
        tuple(sorted((name, _valued(term) if by_value else term) for name, term in row.items()))
        for row in found.rows
    )


def _quads(found: Rows, by_value: bool) -> Iterator[ox.Quad]:
    """The rows as statements: equal ones as one and their number, or each with its place."""
    rows: Iterable[tuple[tuple[tuple[str, object], ...], int]] = _counted(found, by_value).items()
    if found.ordered:
        rows = (
            (next(iter(_counted(Rows(found.variables, (row,)), by_value))), 1) for row in found.rows
        )
    for place, (row, times) in enumerate(rows):
        node = ox.BlankNode()
        yield _quad(node, "times", ox.Literal(times))
        if found.ordered:
            yield _quad(node, "place", ox.Literal(place))
        for name, term in row:
            yield _quad(node, f"variable:{name}", term)


def _quad(node: ox.BlankNode, name: str, term: object) -> ox.Quad:
    return ox.Quad(node, ox.NamedNode(f"urn:{name}"), term)  # type: ignore[arg-type]


def canonical(quads: Iterable[ox.Quad]) -> ox.Dataset:
    """Statements such that those that differ in names of blank nodes only are equal."""
    dataset = ox.Dataset(quads)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return dataset


def _valued(term: object) -> object:
    """A term whose value is written in one way."""
    if not isinstance(term, ox.Literal):
        return term
    if term.language:
        return ox.Literal(term.value, language=term.language.lower())
    if term.datatype.value in _NUMERIC:
        try:
            return ox.Literal(number(term.value), datatype=term.datatype)
        except (InvalidOperation, ValueError):
            return term
    if term.datatype.value == f"{XSD}boolean":
        value = {"1": "true", "0": "false"}.get(term.value, term.value)
        return ox.Literal(value, datatype=term.datatype)
    return term


def _texts(table: Cells) -> object:
    """The cells of a table of texts by column, for SELECT * leaves the order of columns open."""
    order = sorted(range(len(table[0])), key=lambda column: table[0][column])
    head, *rows = (tuple(row[column] for column in order) for row in table)
    return head, sorted(
        tuple("_:" if cell.startswith("_:") else cell for cell in row) for row in rows
    )
