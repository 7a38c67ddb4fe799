"""Labels in the reader's language: of concepts from the schemes, of things from the store.

The texts about columns and parameters in the headers of the questions, and the notes beside an
answer, are in the catalogues ``queries/locale/LANGUAGE.po``.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from coprod_kg.formats.table import Cell, Table, labelled_columns, read_table
from coprod_kg.model.files import files, read
from coprod_kg.model.graph import Graph
from coprod_kg.model.namespaces import last_part
from coprod_kg.model.schemes import Concept, schemes
from coprod_kg.model.translations import read_po

__all__ = [
    "LANGUAGES",
    "best",
    "concepts",
    "language_of_text",
    "names_in",
    "relabelled",
    "text_in",
    "things_to_label",
    "translated",
]

LANGUAGES: Final = ("en", "da", "de")
"""The languages in which the model has labels."""

_ENGLISH: Final = "en"
_AND: Final = " + "
_LISTED: Final = "; "


@cache
def concepts() -> Mapping[str, Concept]:
    """Every concept of the model by its IRI."""
    every_concept = (
        concept for scheme in schemes().values() for concept in scheme.concepts.values()
    )
    return MappingProxyType({concept.iri: concept for concept in every_concept})


@cache
def _criteria() -> Mapping[str, Concept]:
    """Every criterion of a stage by its IRI, as a concept whose label is the criterion's name."""
    graph = Graph(read(*sorted((files("shapes") / "stages").glob("*.ttl"))))
    return {
        node.value: Concept(node.value, last_part(node.value), graph.texts(node, "sh:name"))
        for node in graph.instances("sh:PropertyShape")
    }


def text_in(text: str, language: str) -> str:
    """A text of a header or a note in a language; in English where it has no translation.

    Args:
        text: the English text, with the names of values in braces.
        language: the reader's; empty for English.
    """
    return _catalogue(language).get(text, (text,))[0]


def language_of_text(text: str, language: str) -> str:
    """The language in which `text_in` gives a text."""
    return language if text in _catalogue(language) else _ENGLISH


@cache
def _catalogue(language: str) -> Mapping[str, tuple[str, ...]]:
    is_translated = language in LANGUAGES[1:]
    return read_po(files("queries") / "locale" / f"{language}.po") if is_translated else {}


def best(names: Iterable[Cell], language: str) -> Cell | None:
    """The name in the reader's language, else in English, else in any; None where there is none.

    Of several in one language the first is taken.
    """
    order = {language: 0, _ENGLISH: 1, None: 2}
    return min(names, key=lambda name: order.get(name.language, 3), default=None)


def things_to_label(table: Table, language: str, base_iri: str) -> set[str]:
    """The things in a table whose label is not in the reader's language, or is their slug."""
    stem = f"{base_iri}id/"
    return {
        row[column].value
        for column, label in labelled_columns(table.columns).items()
        for row in table.rows
        if column in row and row[column].value.startswith(stem)
        if language != _ENGLISH or label not in row or row[label].value == _slug(row[column])
    }


def relabelled(table: Table, language: str, names: Mapping[str, Cell], text: str = "") -> Table:
    """The table with every label in the reader's language, as far as there is one.

    Args:
        table: an answer, whose column ``xLabel`` names what is in ``x``.
        language: the reader's.
        names: thing → its name.
        text: of the query, where people read all of its answer: then its own words, and labels
            without an IRI, are put into the language too.
    """
    labels = labelled_columns(table.columns)
    words = _words(table, language, text) if text else {}
    rows = tuple(
        {
            **row,
            **{
                column: Cell("literal", words[column, row[column].value], language)
                for column in row
                if (column, row[column].value) in words
            },
            **dict(_labels(row, labels, language, names)),
        }
        for row in table.rows
    )
    return Table(table.columns, rows, table.truth)


def names_in(rows: Iterable[Mapping[str, Cell]], language: str) -> dict[str, Cell]:
    """Thing → its name in a language, else in another, of the rows of ``view-labels``."""
    names_of_thing: dict[str, list[Cell]] = {}
    for row in rows:
        names_of_thing.setdefault(row["thing"].value, []).append(row["name"])
    best_names = {iri: best(names, language) for iri, names in names_of_thing.items()}
    return {iri: name for iri, name in best_names.items() if name is not None}


def translated(data: bytes, language: str, names: Mapping[str, Cell], text: str = "") -> bytes:
    """An answer as SPARQL JSON results, each label in a language and tagged with its own.

    Args:
        data: the answer.
        language: that of the reader.
        names: thing → its name.
        text: of the query; as for `relabelled`.
    """
    document = json.loads(data)
    table = read_table(data)
    translated_table = relabelled(table, language, names, text)
    for row, earlier, later in zip(
        document["results"]["bindings"], table.rows, translated_table.rows, strict=True
    ):
        row |= {
            name: cell.described() for name, cell in later.items() if cell is not earlier.get(name)
        }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _labels(
    row: Mapping[str, Cell], labels: Mapping[str, str], language: str, names: Mapping[str, Cell]
) -> Iterable[tuple[str, Cell]]:
    for column, label in labels.items():
        if column not in row:
            continue
        iri = row[column].value
        concept = concepts().get(iri) or _criteria().get(iri)
        if concept:
            label_language = language if concept.labels.get(language) else _ENGLISH
            yield label, Cell("literal", concept.label(language), label_language)
        elif iri in names:
            yield label, names[iri]


def _words(table: Table, language: str, text: str) -> Mapping[tuple[str, str], str]:
    """The English words of an answer that label no IRI in it: column and word → translation.

    They are the words that the query itself writes ("No stage claimed now") and labels of concepts
    whose IRIs are not in the answer. A column that holds anything else is one of names or texts,
    and is left as it is.
    """
    if language not in LANGUAGES[1:]:
        return {}
    label_columns, translations = labelled_columns(table.columns), dict[tuple[str, str], str]()
    for column in table.columns:
        cells = [
            row[column]
            for row in table.rows
            if column in row and not (column in label_columns.values() and column[:-5] in row)
        ]
        plain = all(cell.kind == "literal" and not cell.language for cell in cells)
        words = {cell.value for cell in cells if cell.datatype is None} if plain else set()
        translated_words = {word: _word_translation(word, language, text) for word in words}
        if all(translated_words.values()):
            translations |= {(column, word): translated_words[word] or word for word in words}
    return translations


def _word_translation(word: str, language: str, text: str) -> str | None:
    if word in _catalogue(language) and f'"{word}"' in text:
        return text_in(word, language)
    concept = _by_label().get(word)
    return concept.label(language) if concept else _joined_translation(word, language, text)


def _joined_translation(word: str, language: str, text: str) -> str | None:
    """Words of the query, or labels, that it puts one after the other, with a sign between them."""
    parts = word.split(_AND)
    if all(f'"{_AND}{part}"' in text and part in _catalogue(language) for part in parts):
        return _AND.join(text_in(part, language) for part in parts)
    matches = [_by_label().get(part) for part in word.split(_LISTED)]
    labels = [concept.label(language) for concept in matches if concept]
    return _LISTED.join(labels) if f'"{_LISTED}"' in text and len(labels) == len(matches) else None


@cache
def _by_label() -> Mapping[str, Concept]:
    """English label → its concept, where no two of different translations share it."""
    by_label: dict[str, Concept] = {}
    shared: set[str] = set()
    for concept in (*concepts().values(), *_criteria().values()):
        label = concept.label()
        if by_label.setdefault(label, concept).labels != concept.labels:
            shared.add(label)
    return {label: concept for label, concept in by_label.items() if label not in shared}


def _slug(cell: Cell) -> str:
    return cell.value.rpartition("/")[2]
