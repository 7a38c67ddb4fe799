"""Content hash and row count of an answer, the same in every format.

Rows are hashed as JSON without spaces, UTF-8, no escapes beyond what JSON needs::

    {"columns":["a","b"],"rows":[[["uri","urn:x",null,null],null]]}

A cell is its kind, value, language and datatype; an unbound cell is null. Rows stay in the order
of the answer. An ASK is ``{"truth":true}``. A graph is its N-Triples, one line each, sorted.

The engine gives blank nodes new labels each time, so three functions give them other names:
`unlabelled` a hash of the statements about each, for the content hash; `relabelled` numbers in the
order of those hashes, for a file that can be repeated; `labelled` numbers in the order of the
answer, for an answer in any format.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import Final, TypeAlias

import pyoxigraph as ox

from coprod_kg.formats.table import Cell, Table
from coprod_kg.queries.caveat import caveat, caveat_of_claims
from coprod_kg.queries.suppression import suppressed_cells

__all__ = [
    "Content",
    "content_of_graph",
    "content_of_table",
    "labelled",
    "relabelled",
    "unlabelled",
]

_ROUNDS: Final = 64
_NAMED: Final = re.compile(rb"_:|nodeID")
_Term: TypeAlias = ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple


@dataclass(frozen=True, slots=True)
class Content:
    """The measure of an answer.

    Attributes:
        rows: how many rows, or statements of a graph; None for a truth value.
        sha256: the hash of its canonical form, in hexadecimal.
        withheld: how many of its cells are withheld as small counts.
        caveat: how much of it is secondary coding, in a sentence; empty where nothing is.
    """

    rows: int | None
    sha256: str
    withheld: int = 0
    caveat: str = ""


def content_of_table(table: Table, claims: tuple[int, int] | None = None) -> Content:
    """The measure of rows or of a truth value.

    Args:
        table: the answer.
        claims: how many claims in the dataset are secondary coding, and how many there are.
    """
    note = caveat(table, claims)
    if table.truth is not None:
        return Content(None, _hash({"truth": table.truth}), caveat=note)
    rows = [[_cell(row.get(name)) for name in table.columns] for row in table.rows]
    digest = _hash({"columns": list(table.columns), "rows": rows})
    return Content(len(rows), digest, suppressed_cells(table), note)


def content_of_graph(ntriples: bytes, claims: tuple[int, int] | None = None) -> Content:
    """The measure of a graph in N-Triples, whatever its blank nodes are called.

    Args:
        ntriples: the graph.
        claims: as for `content_of_table`.
    """
    lines = unlabelled(ntriples)
    digest = sha256(b"".join(line + b"\n" for line in lines)).hexdigest()
    return Content(len(lines), digest, caveat=caveat_of_claims(claims) if lines else "")


def unlabelled(ntriples: bytes) -> list[bytes]:
    """The lines of a graph, sorted, in which each blank node is named by the statements about it.

    Its name is a SHA-256 of the sorted statements it stands in, in which it is ``_:this`` and the
    other nodes have the names of the round before, at first ``_:``; 64 rounds, or until no more
    names differ (colour refinement). Nodes with the very same statements share a name.
    """
    triples, names = _named_nodes(ntriples) if b"_:" in ntriples else ([], {})
    if not names:
        return sorted({line for line in ntriples.splitlines() if line.strip()})
    return sorted(_line(triple, names).encode() for triple in triples)


def relabelled(ntriples: bytes) -> bytes:
    """The graph in N-Triples, sorted, its blank nodes numbered by the statements about them."""
    triples, names = _named_nodes(ntriples)
    order = sorted(names, key=lambda label: (names[label], label))
    numbers = {label: f"_:c{number}" for number, label in enumerate(order)}
    lines = sorted(_line(triple, numbers).encode() for triple in triples)
    return b"".join(line + b"\n" for line in lines)


def labelled(data: bytes, media_type: str) -> bytes:
    """The same graph, in the same order and format, with blank nodes ``b0``, ``b1`` and so on.

    Args:
        data: a graph that the store wrote; one without blank nodes stays as it is.
        media_type: its format.
    """
    form = ox.RdfFormat.from_media_type(media_type)
    if form is None or not _NAMED.search(data):
        return data
    triples = (quad.triple for quad in ox.parse(data, form))
    return ox.serialize(_renamed(triples), format=form) or b""


def _renamed(triples: Iterator[ox.Triple]) -> Iterator[ox.Triple]:
    numbered: dict[ox.BlankNode, ox.BlankNode] = {}

    def new_node(node: ox.BlankNode) -> ox.BlankNode:
        return numbered.setdefault(node, ox.BlankNode(f"b{len(numbered)}"))

    def new_term(term: _Term) -> _Term:
        if isinstance(term, ox.Triple):
            return new_triple(term)
        return new_node(term) if isinstance(term, ox.BlankNode) else term

    def new_triple(triple: ox.Triple) -> ox.Triple:
        subject = triple.subject
        subject = new_node(subject) if isinstance(subject, ox.BlankNode) else subject
        return ox.Triple(subject, triple.predicate, new_term(triple.object))

    yield from map(new_triple, triples)


def _named_nodes(ntriples: bytes) -> tuple[list[ox.Triple], dict[str, str]]:
    """The statements, each once, and label of a blank node → its name by colour refinement."""
    triples = list(
        dict.fromkeys(quad.triple for quad in ox.parse(ntriples, ox.RdfFormat.N_TRIPLES))
    )
    by_label: dict[str, list[ox.Triple]] = {}
    for triple in triples:
        for label in _labels(triple):
            by_label.setdefault(label, []).append(triple)
    names = dict.fromkeys(by_label, "_:")
    for _ in range(_ROUNDS):
        refined = {
            label: _hashed_name(label, triples_around, names)
            for label, triples_around in by_label.items()
        }
        more_names = len(set(refined.values())) > len(set(names.values()))
        names = refined
        if not more_names:  # a round that tells no more nodes apart: no later one would either
            break
    return triples, names


def _hashed_name(label: str, triples: Iterable[ox.Triple], names: Mapping[str, str]) -> str:
    """The next name of a blank node, by the triples around it and the names of its neighbours."""
    neighbour_names = {
        **{other: names[other] for triple in triples for other in _labels(triple)},
        label: "_:this",
    }
    text = "\n".join(sorted(_line(triple, neighbour_names) for triple in triples))
    return f"_:{sha256(text.encode()).hexdigest()}"


def _labels(triple: ox.Triple) -> set[str]:
    terms = (triple.subject, triple.object)
    return set(chain.from_iterable(_within(term) for term in terms))


def _within(term: _Term) -> set[str]:
    if isinstance(term, ox.Triple):
        return _labels(term)
    return {term.value} if isinstance(term, ox.BlankNode) else set()


def _line(triple: ox.Triple, names: Mapping[str, str]) -> str:
    return f"{_term(triple.subject, names)} {triple.predicate} {_term(triple.object, names)} ."


def _term(term: _Term, names: Mapping[str, str]) -> str:
    if isinstance(term, ox.Triple):
        return f"<<( {_line(term, names)[:-2]} )>>"
    return names[term.value] if isinstance(term, ox.BlankNode) else str(term)


def _cell(cell: Cell | None) -> list[str | None] | None:
    return None if cell is None else [cell.kind, cell.value, cell.language, cell.datatype]


def _hash(canonical: object) -> str:
    text = json.dumps(canonical, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
