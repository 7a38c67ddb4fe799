"""SQL queries of an RML mapping, with the templates of each, and the faults of all at once.

The engine runs the same queries, and stops at the first fault without a word on where it is.
"""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyoxigraph as ox

__all__ = ["MappingQuery", "QueryFault", "queries_of"]

_SPACES: Final = (
    "http://w3id.org/rml/",
    "http://semweb.mmlab.be/ns/rml#",
    "http://www.w3.org/ns/r2rml#",
)
_VALUE: Final = re.compile(r"""(?:string|value|date field)[^'"]*(['"])(.+?)\1""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MappingQuery:
    """One query.

    Attributes:
        name: the last part of the IRI of its logical source, or of the triples map.
        text: its SQL.
        templates: the templates of the things that are made of its rows.
    """

    name: str
    text: str
    templates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueryFault:
    """A query that does not run, in the words of the database.

    Attributes:
        query: its name.
        words: the error message of the database.
        places: the places in the sources of the value on which it stopped.
    """

    query: str
    words: str
    places: tuple[str, ...]

    @classmethod
    def of(cls, query: str, words: str, sources: Sequence[Path]) -> "QueryFault":
        """The fault with the places of the value that it names."""
        value = _VALUE.search(words)
        places = tuple(_places(value[2], sources)) if value else ()
        return cls(query, "\n".join(line.rstrip() for line in words.splitlines() if line), places)

    def __str__(self) -> str:
        first, *rest = self.words.split("\n")
        stands = f" (it stands in {'; '.join(self.places[:5])})" if self.places else ""
        more = "; and more" if len(self.places) > 5 else ""
        return "\n".join((f"query {self.query}: {first}{stands}{more}", *rest))


def queries_of(mapping: bytes, base_iri: str) -> list[MappingQuery]:
    """The queries of a mapping in the order of their names; none where it is no Turtle."""
    statements: dict[str, dict[str, list[Any]]] = {}
    try:
        for quad in ox.parse(mapping, ox.RdfFormat.TURTLE, base_iri=base_iri):
            verb = quad.predicate.value
            local = next((verb.removeprefix(s) for s in _SPACES if verb.startswith(s)), verb)
            statements.setdefault(str(quad.subject), {}).setdefault(local, []).append(quad.object)
    except (SyntaxError, ValueError):
        return []  # the engine reports the syntax error
    templates_by_query: dict[tuple[str, str], list[str]] = {}
    for thing, properties in statements.items():
        for source in properties.get("logicalSource", ()):
            holder = str(source) if isinstance(source, ox.NamedNode) else thing
            source_properties = statements.get(str(source), {})
            for query in (
                *source_properties.get("query", ()),
                *source_properties.get("sqlQuery", ()),
            ):
                subjects = [
                    statements.get(str(subject), {}) for subject in properties.get("subjectMap", ())
                ]
                templates_by_query.setdefault((_name(holder), query.value), []).extend(
                    template.value
                    for subject_map in subjects
                    for template in subject_map.get("template", ())
                )
    return [
        MappingQuery(*key, tuple(templates_by_query[key])) for key in sorted(templates_by_query)
    ]


def _name(iri: str) -> str:
    return "#" + re.split(r"[#/]", iri.strip("<>"))[-1]


def _places(value: str, sources: Sequence[Path]) -> Iterator[str]:
    """The rows of tables, and the members of lists in JSON, in which a value stands."""
    for source in sources:
        text = source.read_text(encoding="utf-8-sig", errors="replace")
        if source.suffix.lower() in (".csv", ".tsv"):
            delimiter = "\t" if source.suffix.lower() == ".tsv" else ","
            rows = csv.reader(text.splitlines(), delimiter=delimiter)
            yield from (
                f"{source.name}, row {number}" for number, row in enumerate(rows, 1) if value in row
            )
        elif source.suffix.lower() == ".json":
            try:
                members = json.loads(text)
            except ValueError:
                continue
            for number, member in enumerate(members if isinstance(members, list) else (), 1):
                if isinstance(member, dict) and value in map(str, member.values()):
                    yield f"{source.name}, object {number}"
