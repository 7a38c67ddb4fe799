"""The caveat of an answer: how much of it is secondary coding of public sources."""

from functools import cache
from typing import Final

import pyoxigraph as ox

from coprod_kg.formats.table import Cell, Table
from coprod_kg.model.namespaces import SECONDARY, is_secondary, shorten, term
from coprod_kg.queries.labels import LANGUAGES, concepts, text_in

__all__ = [
    "CAVEAT",
    "caveat",
    "caveat_of_claims",
    "caveat_of_document",
    "caveat_of_text",
    "claims_of",
]

CAVEAT: Final = "Secondary coding from public sources, not confirmed by the organisations"
_NAMES: Final = tuple(
    name.encode() for basis in sorted(SECONDARY) for name in (basis, shorten(basis))
)
_SCHEME: Final = b"basis"
"""What all these names hold. Few answers do, and it is found sooner than each name is missed."""
_HEADING: Final = "By secondary coding"
_COUNTED: Final = "secondary"
"""The column with how many of the things in a row are secondary coding, or whether they are."""


def caveat(
    table: Table,
    claims: tuple[int, int] | None,
    language: str = "",
    *,
    has_headings: bool = False,
) -> str:
    """The caveat of some rows; empty where nothing of them is secondary coding.

    Args:
        table: the rows.
        claims: how many claims in the dataset are secondary coding, and how many there are; for
            rows that do not say what they rest on.
        language: the reader's; empty for English.
        has_headings: whether the columns are shown to the reader under their headings; else under
            their names, as in CSV.
    """
    beginning = f"{text_in(CAVEAT, language)}: "
    bases = [name for name in table.columns if name.lower().endswith("basis")]
    if bases:
        based = [row for row in table.rows if any(name in row for name in bases)]
        coded = [row for row in based if any(_is_coded(row.get(name)) for name in bases)]
        if not coded:
            return ""
        if len(coded) == len(table.rows):
            return beginning + text_in("this holds for every row.", language)
        sentence_of_some = text_in("this holds for {coded} of the {all} rows.", language)
        return beginning + sentence_of_some.format(coded=len(coded), all=len(table.rows))
    if _COUNTED in table.columns:
        has_counts = any(_counts(row.get(_COUNTED)) for row in table.rows)
        sentence = text_in("the column {column} says of how much this holds.", language)
        column = text_in(_HEADING, language) if has_headings else _COUNTED
        if has_headings and language not in LANGUAGES[1:]:
            column = f"“{column}”"  # the translations have their quotation marks
        return beginning + sentence.format(column=column) if has_counts else ""
    has_answer = table.rows or table.truth is not None
    return caveat_of_claims(claims, language=language) if has_answer else ""


def caveat_of_text(answer: bytes) -> str:
    """The caveat of an answer to any query, in whichever format it is written.

    The bytes are searched for the basis, as an IRI or with its prefix, and not parsed, so that a
    lookup stays cheap. An answer that leaves the bases out has no caveat.
    """
    words = f"{CAVEAT}: this holds where the answer names that basis."
    return words if _names_coding(answer) else ""


def _names_coding(answer: bytes) -> bool:
    """Whether an answer names secondary coding as a basis, in whichever format it is written."""
    return _SCHEME in answer and any(name in answer for name in _NAMES)


def caveat_of_claims(
    claims: tuple[int, int] | None, where: str = "in the dataset", language: str = ""
) -> str:
    """The caveat of an answer that does not name the bases of its claims.

    Args:
        claims: how many claims are secondary coding, and how many there are.
        where: which claims were counted.
        language: the reader's; empty for English.
    """
    coded, total = claims or (0, 0)
    if not coded:
        return ""
    extent = (
        text_in("this holds for all {all} claims {where}.", language)
        if coded == total
        else text_in("this holds for {coded} of the {all} claims {where}.", language)
    ).format(coded=coded, all=total, where=text_in(where, language))
    return f"{text_in(CAVEAT, language)}: {extent}"


def claims_of(table: Table) -> tuple[int, int]:
    """How many claims are secondary coding, and how many there are.

    Args:
        table: the rows of the view ``view-bases``.
    """
    counts = [(row.get("basis"), row["claims"]) for row in table.texts()]
    coded = sum(int(claims) for basis, claims in counts if basis and is_secondary(basis))
    return coded, sum(int(claims) for _, claims in counts)


def caveat_of_document(document: bytes, media_type: str, thing: str) -> str | None:
    """The caveat of the document of a thing: how many of the claims about it are secondary coding.

    Args:
        document: all statements about the thing, and all of the claims about it.
        media_type: its format.
        thing: the IRI; where it is a claim itself, its own basis counts.

    Returns:
        None where the document says nothing.
    """
    quads = ox.parse(document, ox.RdfFormat.from_media_type(media_type))
    if not _names_coding(document):
        return None if next(quads, None) is None else ""
    node, about, basis = (ox.NamedNode(iri) for iri in (thing, term("about"), term("basis")))
    claims, bases = {node}, set()
    for quad in quads:
        if quad.predicate == about and quad.object == node:
            claims.add(quad.subject)
        elif quad.predicate == basis:
            bases.add((quad.subject, quad.object))
    found = [obj for subject, obj in bases if subject in claims]
    coded = sum(is_secondary(obj.value) for obj in found)
    return caveat_of_claims((coded, len(found)), "about this thing")


def _is_coded(cell: Cell | None) -> bool:
    """Whether a basis is secondary coding; some questions give its label only."""
    return cell is not None and (is_secondary(cell.value) or cell.value in _labels())


@cache
def _labels() -> frozenset[str]:
    """The labels of secondary coding in every language."""
    return frozenset(label for basis in SECONDARY for label in concepts()[basis].labels.values())


def _counts(cell: Cell | None) -> bool:
    return cell is not None and cell.value not in ("0", "false", "")
