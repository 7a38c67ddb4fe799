"""Findings with their place in the file (cell or line), in words that fit its format.

In RDF the words of a shape are English and name properties as Turtle does; for somebody who fills
in a table they name its columns, in the language of the template.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import pyoxigraph as ox

from coprod_kg.ingest.lines import FROM, Lines, lines_of
from coprod_kg.ingest.rdf_formats import RdfSyntax
from coprod_kg.model.advice import Example, filled
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import expand, shorten
from coprod_kg.validation.report import Finding, Severity, Spot
from coprod_kg.workbook.columns import Sheets
from coprod_kg.workbook.findings import Positions
from coprod_kg.workbook.sentences import either, sentence

__all__ = ["headers_of", "in_table", "in_text", "in_turtle"]

_MISSING: Final = "#MinCountConstraintComponent"
_LINED: Final = frozenset({"Turtle", "TriG", "N-Triples", "N-Quads"})


def headers_of(sheets: Sheets) -> dict[str, str]:
    """Property → the header of its column in the template."""
    return {
        column.path: column.header
        for sheet in reversed(sheets.members)
        for column in sheet.columns
        if column.path
    }


def in_table(
    findings: Iterable[Finding], positions: Positions, headers: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Findings of shapes with their cells, row by row, less those that follow from another one.

    Args:
        findings: the findings of the shapes.
        positions: where each statement came from.
        headers: the result of `headers_of`.
    """
    reported_subjects = {subject for subject, _ in positions.reported}
    return _by_place(
        _with_cell(finding, positions, headers)
        for finding in findings
        if not positions.is_reported(finding.focus, finding.path)
        and not (finding.path is None and finding.focus in reported_subjects)
    )


def in_text(
    findings: Sequence[Finding],
    triples: Iterable[ox.Triple],
    content: bytes,
    form: RdfSyntax,
    base_iri: str,
) -> tuple[Finding, ...]:
    """Findings with their lines, line by line, in the formats that `lines` reads.

    Args:
        findings: the findings.
        triples: the statements of the file, every subject with an IRI.
        content: the file.
        form: its format.
        base_iri: what relative IRIs are resolved against.
    """
    if not findings or form.name not in _LINED:
        return _by_place(map(in_turtle, findings))
    subjects: Collection[str] = {finding.focus for finding in findings}
    nameless = f"{base_iri}.well-known/genid/"
    pairs_by_node: dict[str, set[tuple[str, str]]] = {
        iri: set() for iri in subjects if iri.startswith(nameless)
    }
    for subject, predicate, obj in triples if pairs_by_node else ():
        name = str(subject)[1:-1]
        if name in pairs_by_node and not (
            isinstance(obj, ox.NamedNode) and obj.value.startswith(nameless)
        ):
            pairs_by_node[name].add((predicate.value, str(obj)))
    text = content.decode("utf-8-sig")
    lines, text_lines = lines_of(text, base_iri, subjects, pairs_by_node), text.split("\n")
    return _by_place(
        replace(in_turtle(finding), spot=finding.spot or _line(finding, lines, text_lines))
        for finding in findings
    )


def _by_place(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings in the order of the file; shapes find them in no order of their own."""

    def place(finding: Finding) -> tuple[str, int, int, str, str]:
        spot = finding.spot or Spot()
        sheet, path = spot.sheet or "", finding.path or ""
        return sheet, spot.row or 0, spot.line or 0, finding.focus, path

    return tuple(sorted(findings, key=place))


def _line(finding: Finding, lines: Lines, text_lines: Sequence[str]) -> Spot | None:
    """The line of a finding, with the source row where a mapping's comment above names it."""
    line = lines.line(finding.focus, finding.path, finding.value)
    if line is None:
        return None
    above = text_lines[max(0, (lines.line(finding.focus, None, None) or 1) - 2)]
    source = above.removeprefix(FROM).strip() if above.startswith(FROM) else None
    return Spot(line=line, source=source)


def in_turtle(finding: Finding) -> Finding:
    """The finding in words that name everything as Turtle does."""
    return _worded(finding, "en", shorten, _turtle)


def _turtle(examples: Sequence[Example], language: str) -> str:
    """Some examples as Turtle; a property that several share is written once."""
    pairs = [(example.text, example.path) for example in examples]
    previous_paths = [None, *(path for _, path in pairs)]
    return either(
        [
            text.partition(" ")[2] if path == previous else text
            for (text, path), previous in zip(pairs, previous_paths, strict=False)
        ],
        language,
    )


def _with_cell(finding: Finding, positions: Positions, headers: Mapping[str, str]) -> Finding:
    """The finding with its cell, in words that name the columns of its sheet."""
    place = positions.place(finding.focus, finding.path)
    columns = positions.sheets[positions.rows[finding.focus][0]].columns if place else {}
    headers = {**headers, **{path: header.rstrip("* ") for path, (header, _) in columns.items()}}
    language = positions.language

    def name(iri: str) -> str:
        return headers.get(iri) or shorten(iri).rpartition(":")[2]

    worded = _worded(finding, language, name, partial(_columns, name))
    header = headers.get(finding.path or "")
    if (
        header
        and place
        and finding.component.endswith(_MISSING)
        and finding.severity is Severity.VIOLATION
    ):
        worded = replace(worded, message=sentence("missing-value", language, column=header))
    return replace(worded, spot=place.spot if place else None)


def _columns(name: Callable[[str], str], examples: Sequence[Example], language: str) -> str:
    """Some examples as values for columns."""
    values: dict[str, list[str]] = {}
    for example in examples:
        values.setdefault(name(example.path), []).append(_cell(example.value, language))
    return either(
        [
            sentence("in-column", language, value=either(cells, language), column=column)
            for column, cells in values.items()
        ],
        language,
    )


def _cell(value: ox.NamedNode | ox.Literal, language: str) -> str:
    """A value as it is written in a cell."""
    if isinstance(value, ox.Literal):
        kind = value.datatype.value.rpartition("#")[2]
        if kind == "boolean":
            return sentence(value.value, language)
        return value.value if kind == "integer" else f"“{value.value}”"
    concept = Model.installed().concepts.get(value.value)
    if concept:
        return f"“{concept.label(language)}”"
    return sentence("its-name", language) if "/id/" in value.value else value.value


def _worded(
    finding: Finding,
    language: str,
    name_of: Callable[[str], str],
    write_examples: Callable[[Sequence[Example], str], str],
) -> Finding:
    """The finding in the words of its shape, where that has any.

    Args:
        finding: the finding.
        language: the language of its words.
        name_of: the name of a property, by its IRI.
        write_examples: how examples are written.
    """
    words = Model.installed().words.get(finding.words or finding.shape)
    if words is None:
        return finding
    example = write_examples(words.examples_in(language), language)
    slots = {**dict(finding.slots), "example": example}

    def slot(key: str) -> str:
        return name_of(expand(key)) if ":" in key else slots[key]

    advice = [filled(words.advice.get(language, ""), slot)]
    if "meant" in slots:
        advice.append(sentence("meant", language, meant=slots["meant"]))
    elif example and example not in advice[0]:
        advice.append(sentence("example", language, example=example))
    return replace(
        finding,
        message=filled(words.fault[language], slot),
        fix=" ".join(filter(None, advice)) or None,
        language=language,
    )
