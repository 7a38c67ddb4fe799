"""What became of a submission, as text, JSON or Turtle; it never decides anything.

Findings of one cause stand together and are counted: ten thousand wrong dates are one line, a
few examples and a number.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.namespaces import prefixes, shorten
from coprod_kg.submitting.outcome import Outcome
from coprod_kg.validation.report import Cause, Finding, Severity

__all__ = ["as_json", "as_text", "as_turtle"]

_EXAMPLES: Final = 3
_SH: Final = "http://www.w3.org/ns/shacl#"
_RDF_TYPE: Final = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")


def as_text(outcomes: Sequence[Outcome], base_iri: str, *, dry_run: bool) -> str:
    """The report for a person at a terminal, which nothing in a file can steer."""
    lines = [line for one in outcomes for line in _file(one, base_iri)]
    text = "\n".join([*lines, _conclusion(outcomes, dry_run=dry_run)])
    return "".join(one if one.isprintable() or one == "\n" else "\ufffd" for one in text)


def as_json(outcomes: Sequence[Outcome]) -> str:
    """The report for a program."""
    return json.dumps([_table(one) for one in outcomes], indent=2, ensure_ascii=False)


def as_turtle(outcomes: Sequence[Outcome]) -> str:
    """The findings as one ``sh:ValidationReport`` in Turtle."""
    report = ox.BlankNode("report")
    findings = [one for outcome in outcomes for one in outcome.report.findings]
    conforms = all(one.accepted and one.report.conforms for one in outcomes)
    truth = ox.NamedNode("http://www.w3.org/2001/XMLSchema#boolean")
    triples = [
        ox.Triple(report, _RDF_TYPE, _sh("ValidationReport")),
        ox.Triple(report, _sh("conforms"), ox.Literal(str(conforms).lower(), datatype=truth)),
    ]
    for number, one in enumerate(findings, 1):
        node = ox.BlankNode(f"result{number}")
        triples.append(ox.Triple(report, _sh("result"), node))
        triples += _result(node, one)
    used = {name: prefixes()[name] for name in ("cp", "cps", "sh")}
    written = ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=used)
    return (written or b"").decode()


def _file(outcome: Outcome, base_iri: str) -> Iterator[str]:
    whose = f" of {outcome.organisation}" if outcome.organisation else ""
    size = f": {outcome.triples} statements{whose}" if outcome.triples else ""
    yield f"{outcome.file}{size}"
    for cause in outcome.report.causes():
        yield from _cause(cause, base_iri)
    if outcome.error is not None:
        yield f"  Refused: {outcome.error}".replace("\n", "\n  ")
    elif outcome.unchanged:
        yield "  These very bytes are in the store already."
    else:
        yield "  Accepted."
    yield ""


def _cause(cause: Cause, base_iri: str) -> Iterator[str]:
    yield f"  {cause.severity} ({cause.count}): {cause.message}"
    for one in cause.findings[:_EXAMPLES]:
        path = f" {_short(one.path, base_iri)}" if one.path else ""
        value = f" {_short(one.value, base_iri)}" if one.value else ""
        yield f"    {_short(one.focus, base_iri)}{path}{value}"
    if cause.count > _EXAMPLES:
        yield f"    and {cause.count - _EXAMPLES} more"


def _short(text: str, base_iri: str) -> str:
    value, typed, datatype = text.rpartition("^^<")
    if typed:
        return f"{value}^^{shorten(datatype[:-1])}"
    bare = text[1:-1] if text.startswith("<") else text
    if bare.startswith(f"{base_iri}id/"):
        return f"<{bare.removeprefix(base_iri)}>"
    return shorten(bare) if bare != text or "://" in text[:10] else text


def _conclusion(outcomes: Sequence[Outcome], *, dry_run: bool) -> str:
    refused = sum(not one.accepted for one in outcomes)
    accepted = len(outcomes) - refused
    version = next((one.version for one in outcomes if one.version), None)
    counts = f"{accepted} of {len(outcomes)} accepted, {refused} refused."
    if version is not None:
        return f"{counts} Version {version} of the data holds what was accepted."
    reason = " (a dry run)" if dry_run and accepted else ""
    return f"{counts} Nothing was changed{reason}."


def _table(outcome: Outcome) -> dict[str, Any]:
    error = outcome.error
    return {
        "file": outcome.file,
        "organisation": outcome.organisation,
        "accepted": outcome.accepted,
        "unchanged": outcome.unchanged,
        "version": outcome.version,
        "sha256": outcome.sha256,
        "triples": outcome.triples,
        "counts": {one.lower(): outcome.report.count(one) for one in Severity},
        "error": error
        and {"title": error.title, "what": error.what, "where": error.where, "fix": error.fix},
        "findings": [one.as_dict() for one in outcome.report.findings],
    }


def _result(node: ox.BlankNode, one: Finding) -> Iterator[ox.Triple]:
    yield ox.Triple(node, _RDF_TYPE, _sh("ValidationResult"))
    yield ox.Triple(node, _sh("resultSeverity"), _sh(one.severity))
    yield ox.Triple(node, _sh("focusNode"), ox.NamedNode(one.focus))
    yield ox.Triple(node, _sh("resultMessage"), ox.Literal(one.message, language="en"))
    yield ox.Triple(node, _sh("sourceShape"), ox.NamedNode(one.shape))
    yield ox.Triple(node, _sh("sourceConstraintComponent"), ox.NamedNode(one.component))
    if one.path and not one.path.startswith("^") and "|" not in one.path:
        yield ox.Triple(node, _sh("resultPath"), ox.NamedNode(one.path))
    if one.value:
        statement = next(iter(ox.parse(f"<x:> <x:> {one.value} .", ox.RdfFormat.TURTLE)))
        yield ox.Triple(node, _sh("value"), statement.object)


def _sh(name: str) -> ox.NamedNode:
    return ox.NamedNode(_SH + name)
