"""Findings of shapes with their place in the file (cell or line), in words that fit its format.

The message of a shape speaks of Turtle; for somebody who fills in a table it is reworded to speak
of columns.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import pyoxigraph as ox

from coprod_kg.ingest.lines import FROM, Lines, lines_of
from coprod_kg.ingest.rdf_formats import RdfSyntax
from coprod_kg.model.namespaces import prefixes
from coprod_kg.validation.report import Finding, Severity, Spot
from coprod_kg.workbook.columns import Sheets
from coprod_kg.workbook.findings import CellFinding, Place, Positions

__all__ = ["headers_of", "in_table", "in_text", "of_cells"]

"""How the names of the findings of the table reader begin."""
_COMPONENT: Final = "ConstraintComponent"
_SENTENCE: Final = re.compile(r"(?<=[.!?]) (?=[A-Z])")
_ADVICE: Final = ("Write", "Mend", "Leave", "Keep", "Describe", "Did you", "Use", "If", "Name")
_VALUE: Final = r"""<[^<>]*>|"[^"]*"(?:@[a-z]+|\^\^\w+:\w+)?|[a-z-]+:[\w-]+|true|false|[\d.]*\d"""
_PAIR: Final = re.compile(rf"\b(?P<prefix>[a-z]+):(?P<local>\w+) (?P<value>{_VALUE})")
_QUOTED: Final = re.compile(r'"(?P<text>[^"]*)"(?:@[a-z]+|\^\^\w+:\w+)?')
_NAME: Final = re.compile(r"\b(?P<prefix>[a-z]+):(?P<local>[A-Za-z]\w*)\b")
_SCHEME: Final = re.compile(r"a concept of the scheme ([a-z-]+)")
_LINED: Final = frozenset({"Turtle", "TriG", "N-Triples", "N-Quads"})


def of_cells(found: Iterable[CellFinding], base_iri: str) -> tuple[Finding, ...]:
    """Findings on cells as findings of a report."""
    return tuple(
        replace(
            finding.finding(base_iri),
            message=_capital(finding.message),
            fix=finding.fix,
            permitted=finding.permitted,
            spot=_spot(finding.place),
        )
        for finding in found
    )


def headers_of(sheets: Sheets) -> dict[str, str]:
    """Property → the header of its column in the template."""
    return {
        column.path: column.header
        for sheet in reversed(sheets.members)
        for column in sheet.columns
        if column.path
    }


def in_table(
    found: Iterable[Finding], positions: Positions, headers: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Findings of shapes with their cells, less those that only follow from another one.

    Args:
        found: what the shapes find.
        positions: where each statement came from.
        headers: what `headers_of` gave.
    """
    told = {subject for subject, _ in positions.told}
    return tuple(
        _told(finding, positions, headers)
        for finding in found
        if not positions.is_told(finding.focus, finding.path)
        and not (finding.path is None and finding.focus in told)
    )


def in_text(
    found: Sequence[Finding],
    triples: Iterable[ox.Triple],
    content: bytes,
    form: RdfSyntax,
    base_iri: str,
) -> tuple[Finding, ...]:
    """Findings with the lines that they are about, in the formats where lines can be told.

    Args:
        found: what is wrong.
        triples: the statements of the file, every subject with an IRI.
        content: the file.
        form: its format.
        base_iri: what relative IRIs are resolved against.
    """
    if not found or form.name not in _LINED:
        return tuple(map(_parted, found))
    subjects: Collection[str] = {finding.focus for finding in found}
    nameless = f"{base_iri}.well-known/genid/"
    said: dict[str, set[tuple[str, str]]] = {
        iri: set() for iri in subjects if iri.startswith(nameless)
    }
    for subject, predicate, obj in triples if said else ():
        name = str(subject)[1:-1]
        if name in said and not (isinstance(obj, ox.NamedNode) and obj.value.startswith(nameless)):
            said[name].add((predicate.value, str(obj)))
    text = content.decode("utf-8-sig")
    lines, written = lines_of(text, base_iri, subjects, said), text.split("\n")
    return tuple(
        replace(_parted(finding), spot=finding.spot or _line(finding, lines, written))
        for finding in found
    )


def _line(finding: Finding, lines: Lines, written: Sequence[str]) -> Spot | None:
    """The line of a finding, with what a mapping has made it of, where that stands above."""
    line = lines.line(finding.focus, finding.path, finding.value)
    if line is None:
        return None
    above = written[max(0, (lines.line(finding.focus, None, None) or 1) - 2)]
    source = above.removeprefix(FROM).strip() if above.startswith(FROM) else None
    return Spot(line=line, source=source)


def _parted(finding: Finding) -> Finding:
    """The finding with what is wrong and what to do about it apart."""
    if finding.fix:
        return finding
    why, fix = _sentences(finding.message)
    return replace(finding, message=why, fix=fix or None)


def _sentences(message: str) -> tuple[str, str]:
    parts = _SENTENCE.split(message)
    cut = next((at for at, part in enumerate(parts) if part.startswith(_ADVICE) and at), len(parts))
    return " ".join(parts[:cut]), " ".join(parts[cut:])


def _told(finding: Finding, positions: Positions, headers: Mapping[str, str]) -> Finding:
    place = positions.place(finding.focus, finding.path)
    own = positions.sheets[positions.rows[finding.focus][0]].columns if place else {}
    headers = {**headers, **{path: header.rstrip("* ") for path, (header, _) in own.items()}}
    why, fix = (finding.message, finding.fix) if finding.fix else _sentences(finding.message)
    header, missing = (
        headers.get(finding.path or ""),
        finding.component.endswith("#MinCount" + _COMPONENT),
    )
    if header and missing and place and finding.severity is Severity.VIOLATION:
        why = f"{header} is missing, and every row of this sheet needs it."
    return replace(
        finding,
        spot=_spot(place) if place else None,
        message=_in_columns(_SCHEME.sub(r"one of the list \1", why), headers),
        fix=_advice(fix, headers),
    )


def _advice(fix: str, headers: Mapping[str, str]) -> str:
    """Advice on Turtle, reworded as what to write in which column."""
    spaces = prefixes()

    def said(found: re.Match[str]) -> str:
        header = headers.get(spaces.get(found["prefix"], "") + found["local"])
        column = f"the column {header}" if header else f"the column for {found['local']}"
        return f"{_plain(found['value'])} in {column}"

    return _in_columns(_QUOTED.sub(r"\g<text>", _PAIR.sub(said, fix)), headers)


def _plain(term: str) -> str:
    """A term of an example as it is written in a cell."""
    text = _QUOTED.match(term)
    if text:
        return f"“{text['text']}”"
    if term.startswith("<"):
        return "its name" if term.startswith("<id/") else term.strip("<>")
    if ":" in term:
        return f"“{term.partition(':')[2]}”"
    return {"true": "yes", "false": "no"}.get(term, term)


def _in_columns(text: str, headers: Mapping[str, str]) -> str:
    """A text in which properties are called by the headers of their columns."""
    spaces = prefixes()

    def header(found: re.Match[str]) -> str:
        iri = spaces.get(found["prefix"], "") + found["local"]
        return headers.get(iri) or found["local"]

    return _NAME.sub(header, text)


def _capital(text: str) -> str:
    sentence = text[:1].upper() + text[1:]
    return sentence if sentence.endswith((".", "?")) else f"{sentence}."


def _spot(place: Place) -> Spot:
    return Spot(place.sheet, place.row, place.column, place.cell)
