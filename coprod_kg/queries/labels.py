"""Labels in the reader's language: of concepts from the schemes, of things from the store."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from coprod_kg.formats.table import Cell, Table, labelled_columns, read_table
from coprod_kg.model.schemes import Concept, schemes

__all__ = ["LANGUAGES", "best", "concepts", "named", "relabelled", "translated", "wanting"]

LANGUAGES: Final = ("en", "da", "de")
"""The languages in which the model has labels."""

_ENGLISH: Final = "en"


@cache
def concepts() -> Mapping[str, Concept]:
    """Every concept of the model by its IRI."""
    found = (concept for scheme in schemes().values() for concept in scheme.concepts.values())
    return MappingProxyType({concept.iri: concept for concept in found})


def best(names: Iterable[Cell], language: str) -> Cell | None:
    """The name in the reader's language, else in English, else in any; None where there is none.

    Of several in one language the first is taken.
    """
    order = {language: 0, _ENGLISH: 1, None: 2}
    return min(names, key=lambda name: order.get(name.language, 3), default=None)


def wanting(table: Table, language: str, base_iri: str) -> set[str]:
    """The things in a table whose label is not in the reader's language, or is their slug."""
    stem = f"{base_iri}id/"
    return {
        row[column].value
        for column, label in labelled_columns(table.columns).items()
        for row in table.rows
        if column in row and row[column].value.startswith(stem)
        if language != _ENGLISH or label not in row or row[label].value == _slug(row[column])
    }


def relabelled(table: Table, language: str, names: Mapping[str, Cell]) -> Table:
    """The table with every label in the reader's language, as far as there is one.

    Args:
        table: an answer, whose column ``xLabel`` names what is in ``x``.
        language: the reader's.
        names: thing → its name.
    """
    labels = labelled_columns(table.columns)
    rows = tuple({**row, **dict(_labels(row, labels, language, names))} for row in table.rows)
    return Table(table.columns, rows, table.truth)


def named(rows: Iterable[Mapping[str, Cell]], language: str) -> dict[str, Cell]:
    """Thing → its name in a language, else in another, of the rows of ``view-labels``."""
    found: dict[str, list[Cell]] = {}
    for row in rows:
        found.setdefault(row["thing"].value, []).append(row["name"])
    chosen = {thing: best(names, language) for thing, names in found.items()}
    return {thing: name for thing, name in chosen.items() if name is not None}


def translated(data: bytes, language: str, names: Mapping[str, Cell]) -> bytes:
    """An answer as SPARQL JSON results, each label in a language and tagged with its own.

    Args:
        data: the answer.
        language: that of the reader.
        names: thing → its name.
    """
    document = json.loads(data)
    labels = labelled_columns(document["head"]["vars"])
    table = read_table(data)
    for row, cells in zip(document["results"]["bindings"], table.rows, strict=True):
        for label, name in _labels(cells, labels, language, names):
            tagged = {"xml:lang": name.language} if name.language else {}
            row[label] = {"type": "literal", "value": name.value, **tagged}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _labels(
    row: Mapping[str, Cell], labels: Mapping[str, str], language: str, names: Mapping[str, Cell]
) -> Iterable[tuple[str, Cell]]:
    for column, label in labels.items():
        if column not in row:
            continue
        iri = row[column].value
        concept = concepts().get(iri)
        if concept:
            written = language if concept.labels.get(language) else _ENGLISH
            yield label, Cell("literal", concept.label(language), written)
        elif iri in names:
            yield label, names[iri]


def _slug(cell: Cell) -> str:
    return cell.value.rpartition("/")[2]
