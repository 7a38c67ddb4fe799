"""Sheets and columns of the workbook, derived from the shapes and schemes.

Nothing here or in ``sheets.toml`` repeats what a shape says: a new property shape is a new
column, a new concept a new line in its drop-down, in the template and in the reader alike.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model import namespaces
from coprod_kg.model.graph import RDF_TYPE, Graph
from coprod_kg.model.installed import Model
from coprod_kg.model.schemes import Concept
from coprod_kg.workbook.columns import (
    IDENTIFIER,
    LABEL,
    LANGUAGE,
    ColumnKind,
    Sheet,
    SheetColumn,
    Sheets,
)
from coprod_kg.workbook.concepts import Choices, plain
from coprod_kg.workbook.properties import Property, beyond_shapes, from_ontology, properties

__all__ = [
    "sheets",
]


_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_RELATION: Final = re.compile(r"Relates .*? to ")
_DATES: Final = frozenset({f"{_XSD}date", f"{_XSD}gYear", f"{_XSD}gYearMonth"})
_NUMBERS: Final = frozenset({f"{_XSD}{name}" for name in ("integer", "decimal", "double", "int")})


@lru_cache(maxsize=4)
def sheets(model: Model | None = None) -> Sheets:
    """The sheets of a model, of the installed one by default.

    Raises:
        ModelError: the model's files or ``sheets.toml`` do not fit together.
    """
    model = model or Model.installed()
    maker = _Maker(model)
    members = tuple(maker.sheets())
    used = {
        column.choices.name: column.choices
        for sheet in members
        for column in sheet.columns
        if column.choices
    }
    return Sheets(members, MappingProxyType(dict(sorted(used.items()))))


class _Maker:
    def __init__(self, model: Model) -> None:
        path = Path(__file__).with_name("sheets.toml")
        definitions = tomllib.loads(path.read_text(encoding="utf-8"))
        self._words = {
            namespaces.expand(name): words for name, words in definitions["words"].items()
        }
        self._sheet_tables: list[dict[str, Any]] = definitions["sheets"]
        self._kinds = {
            namespaces.expand(table["class"]): table["kind"] for table in self._sheet_tables
        }
        self._ontology, self._shapes = model.graph, model.submission
        self._lists = ValueLists(model.graph, model.concepts)

    def sheets(self) -> Iterator[Sheet]:
        for table in self._sheet_tables:
            columns = tuple(self._columns(table))
            headers = [plain(column.header) for column in columns]
            repeated = next((header for header in headers if headers.count(header) > 1), None)
            if repeated:
                raise ModelError(
                    f"two columns of the sheet {table['title']} are called {repeated!r}",
                    where="workbook/sheets.toml",
                    fix="Give one of them a header under [words], or a clearer sh:name.",
                )
            yield Sheet(
                title=table["title"],
                singular=table["one"],
                kind=table["kind"],
                types=(namespaces.expand(table["class"]),),
                purpose=table["purpose"],
                columns=columns,
                named="rdfs:label" in table["first"],
                open=table.get("open", False),
                key=tuple(map(namespaces.expand, table["key"])),
                also={
                    namespaces.expand(path): namespaces.expand(also)
                    for path, also in table.get("also", {}).items()
                },
                example={namespaces.expand(k): v for k, v in table["example"].items()},
            )

    def _columns(self, table: Mapping[str, Any]) -> Iterator[SheetColumn]:
        by_path = {
            described.path: described
            for described in properties(self._shapes, self._ontology, table["class"])
        }
        first = [namespaces.expand(name) for name in table["first"]]
        last = [namespaces.expand(name) for name in table["last"]]
        beyond = beyond_shapes(self._ontology, table["class"])
        middle = [iri for iri in (*by_path, *beyond) if iri not in (*first, *last)]
        middle = list(dict.fromkeys(middle))
        yield SheetColumn(
            IDENTIFIER,
            None,
            ColumnKind.IDENTIFIER,
            "A short name for this row, yours to choose: small letters, digits and hyphens. "
            "Leave it empty and one is made, the same each time you send the row.",
        )
        for path in (*first, *middle, *last):
            prop = by_path.get(path) or from_ontology(self._ontology, path)
            yield self._column(prop, named="rdfs:label" in table["first"])
        yield SheetColumn(
            LANGUAGE,
            None,
            ColumnKind.LANGUAGE,
            "The language of the texts in this row: en, da, de, sv … Leave it empty if it is "
            "that of the workbook. A single text in another language ends with @ and the "
            "language: Kommunen @da.",
        )

    def _union_members(self, kind: ox.NamedNode) -> Iterator[str]:
        """A class, and those that it is the union of."""
        yield kind.value
        for equivalent in self._ontology.objects(kind, "owl:equivalentClass"):
            for union in self._ontology.objects(equivalent, "owl:unionOf"):
                yield from (member.value for member in self._ontology.members(union))

    def _column(self, prop: Property, *, named: bool) -> SheetColumn:
        words = self._words.get(prop.path, {})
        header = words.get("header") or prop.name[:1].upper() + prop.name[1:]
        short = namespaces.shorten(prop.path)
        if not header:
            raise ModelError(f"nothing says what {short} is called", where="workbook/sheets.toml")
        definition = self._ontology.text(ox.NamedNode(prop.path), "skos:definition")
        parts = [words["note"]] if "note" in words else [_plainly(definition), prop.note]
        choices = self._lists.of(prop)
        kinds = tuple(
            dict.fromkeys(
                self._kinds[member]
                for kind in prop.classes
                for member in self._union_members(kind)
                if member in self._kinds
            )
        )
        holds = _holds(prop, choices, kinds)
        optional = prop.path == LABEL and not named
        return SheetColumn(
            header=header,
            path=prop.path,
            holds=holds,
            note=" ".join(dict.fromkeys(part for part in parts if part))
            if not optional
            else "A name for this row. Leave it empty and one is made from the other cells.",
            required=prop.required and not optional,
            many=words.get("many", prop.many and holds is not ColumnKind.TEXT),
            choices=choices,
            kinds=() if choices else kinds,
            datatype=prop.datatype,
            other_headers=(short, short.partition(":")[2], prop.name),
        )


def _plainly(definition: str) -> str:
    """A definition less the words that only say that it is one of a relation.

    >>> _plainly("Relates an initiative to the town that it is in.")
    'The town that it is in.'
    """
    match = _RELATION.match(definition)
    rest = definition[match.end() :] if match else definition
    return rest[:1].upper() + rest[1:]


def _holds(prop: Property, choices: Choices | None, kinds: tuple[str, ...]) -> ColumnKind:
    if choices:
        return ColumnKind.CHOICE
    if kinds:
        return ColumnKind.THING
    if prop.datatypes & _DATES:
        return ColumnKind.DATE
    if prop.datatypes & _NUMBERS:
        return ColumnKind.NUMBER
    if f"{_XSD}boolean" in prop.datatypes:
        return ColumnKind.YES_OR_NO
    return ColumnKind.LINK if prop.link else ColumnKind.TEXT


class ValueLists:
    """The lists that columns choose from, each made once.

    Args:
        ontology: the ontology and its schemes.
        concepts: IRI → concept.
    """

    def __init__(self, ontology: Graph, concepts: Mapping[str, Concept]) -> None:
        self._ontology, self._concepts = ontology, concepts
        self._lists_by_node: dict[Any, Choices] = {}

    def of(self, prop: Property) -> Choices | None:
        """The list of a property, or None where its values are no concepts."""
        schemes = [prop.scheme] if prop.scheme is not None else []
        for node in (*prop.classes, *schemes):
            if node not in self._lists_by_node:
                predicate = RDF_TYPE if node in prop.classes else "skos:inScheme"
                self._lists_by_node[node] = self._list_of(self._ontology.subjects(predicate, node))
            if self._lists_by_node[node].members:
                return self._lists_by_node[node]
        return None

    def _list_of(self, nodes: Any) -> Choices:
        members = [node for node in nodes if getattr(node, "value", "") in self._concepts]
        if not members:
            return Choices("", "", ())
        scheme = self._ontology.value(members[0], "skos:inScheme")
        last = scheme.value.rstrip("/#").rsplit("/", 1)[-1]
        title = self._ontology.text(scheme, "skos:prefLabel") or last.replace("-", " ").capitalize()
        ordered = sorted(
            (self._concepts[node.value] for node in members),
            key=lambda concept: (concept.rank, plain(concept.label()), concept.slug),
        )
        return Choices(last.replace("-", "_"), title, tuple(ordered))
