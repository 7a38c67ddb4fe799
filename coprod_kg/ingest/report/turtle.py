"""A report as one ``sh:ValidationReport`` in Turtle.

Where a finding stands in a file is said in words in its message: SHACL has no property for it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.ingest.reported import Reported
from coprod_kg.model.namespaces import expand, prefixes
from coprod_kg.validation.report import Finding

__all__ = ["as_turtle"]

_SH: Final = expand("sh:")
_RDF_TYPE: Final = ox.NamedNode(expand("rdf:type"))
_BOOLEAN: Final = ox.NamedNode(expand("xsd:boolean"))


def as_turtle(files: Sequence[Reported]) -> str:
    """The findings as Turtle."""
    report = ox.BlankNode("report")
    findings = [finding for file in files for finding in file.report.findings]
    conforms = not findings and all(file.accepted for file in files)
    triples = [
        ox.Triple(report, _RDF_TYPE, _sh("ValidationReport")),
        ox.Triple(report, _sh("conforms"), ox.Literal(str(conforms).lower(), datatype=_BOOLEAN)),
    ]
    for number, finding in enumerate(findings, 1):
        node = ox.BlankNode(f"result{number}")
        triples.append(ox.Triple(report, _sh("result"), node))
        triples += _result(node, finding)
    used = {name: prefixes()[name] for name in ("cp", "cps", "sh")}
    turtle = ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=used)
    return (turtle or b"").decode()


def _result(node: ox.BlankNode, finding: Finding) -> Iterator[ox.Triple]:
    spot = f"{finding.spot}: " if finding.spot else ""
    message = f"{spot}{finding.message} {finding.fix or ''}".strip()
    yield ox.Triple(node, _RDF_TYPE, _sh("ValidationResult"))
    yield ox.Triple(node, _sh("resultSeverity"), _sh(finding.severity))
    yield ox.Triple(node, _sh("focusNode"), ox.NamedNode(finding.focus))
    yield ox.Triple(node, _sh("resultMessage"), ox.Literal(message, language=finding.language))
    yield ox.Triple(node, _sh("sourceShape"), ox.NamedNode(finding.shape))
    yield ox.Triple(node, _sh("sourceConstraintComponent"), ox.NamedNode(finding.component))
    if finding.path and "|" not in finding.path:
        yield from _path(node, finding.path)
    if finding.value:
        yield ox.Triple(node, _sh("value"), _term(finding.value))


def _path(node: ox.BlankNode, path: str) -> Iterator[ox.Triple]:
    if not path.startswith("^"):
        yield ox.Triple(node, _sh("resultPath"), ox.NamedNode(path))
        return
    inverse = ox.BlankNode(f"{node.value}path")
    yield ox.Triple(node, _sh("resultPath"), inverse)
    yield ox.Triple(inverse, _sh("inversePath"), ox.NamedNode(path[1:]))


def _term(text: str) -> Any:
    return next(iter(ox.parse(f"<x:> <x:> {text} .", ox.RdfFormat.TURTLE))).object


def _sh(name: str) -> ox.NamedNode:
    return ox.NamedNode(_SH + name)
