"""Validation of submissions by pySHACL.

Costs half a second and forty megabytes to import: only a child process does so.
"""

import logging
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

import pyoxigraph as ox
import pyshacl
import rdflib
from rdflib.namespace import SH

from coprod_kg.model.namespaces import expand
from coprod_kg.validation import caches
from coprod_kg.validation.report import Finding, Severity

__all__ = ["Shapes"]

_PROSE: Final = frozenset(
    expand(name) for name in ("sh:name", "sh:description", "sh:order", "cps:advice", "cps:example")
)
_LONGEST_VALUE: Final = 500
_SEVERITIES: Final = {
    SH.Violation: Severity.VIOLATION,
    SH.Warning: Severity.WARNING,
    SH.Info: Severity.INFO,
}


class Shapes:
    """The shapes, with the ontology and schemes in their background.

    Not for two threads at once: pySHACL writes into the shapes while it runs.

    Args:
        shapes: the statements of the shapes.
        background: the statements of the ontology and its schemes, and what follows from them.
        things: how the IRI of a thing begins that may be described elsewhere. Of which class
            such a thing is cannot be told from the file, so nothing is said of that.
    """

    def __init__(
        self, shapes: Iterable[ox.Triple], background: Iterable[ox.Triple], things: str
    ) -> None:
        self._things = things
        caches.install()
        logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)  # a wrong date is a finding
        self._shapes = caches.caching_graph()
        for triple in shapes:  # pySHACL weighs each statement anew, so those it needs not stay out
            if triple.predicate.value not in _PROSE:
                self._shapes.add(_rdflib_triple(triple))
        self._data = rdflib.Graph()
        for triple in background:
            # No shape reads what concepts are called, which is nearly half of all.
            if not (isinstance(triple.object, ox.Literal) and triple.object.language):
                self._data.add(_rdflib_triple(triple))

    def validate(self, triples: Iterable[ox.Triple]) -> tuple[Finding, ...]:
        """The findings of the shapes about these statements, sorted."""
        added = [triple for triple in map(_rdflib_triple, triples) if triple not in self._data]
        for triple in added:
            self._data.add(triple)
        try:
            _, results, _ = pyshacl.validate(
                self._data, shacl_graph=self._shapes, inplace=True, advanced=False
            )
            findings = {
                self._finding(results, result)
                for result in results.objects(None, SH.result)
                if not self._is_elsewhere(results, result)
            }
        finally:
            for triple in added:
                self._data.remove(triple)
        return _once_each(sorted(findings, key=_sort_key))

    def _is_elsewhere(self, results: rdflib.Graph, node: Any) -> bool:
        """Whether a result is about the class of a thing that is not described in the file."""
        value = results.value(node, SH.value)
        component = results.value(node, SH.sourceConstraintComponent)
        return (
            component in (SH.ClassConstraintComponent, SH.OrConstraintComponent)
            and isinstance(value, rdflib.URIRef)
            and value.startswith(self._things)
            and (value, None, None) not in self._data
        )

    def _finding(self, results: rdflib.Graph, node: Any) -> Finding:
        value = results.value(node, SH.value)
        shape = results.value(node, SH.sourceShape)
        component = results.value(node, SH.sourceConstraintComponent)
        messages = results.objects(node, SH.resultMessage)
        english = [text for text in messages if getattr(text, "language", None) in ("en", None)]
        return Finding(
            severity=_SEVERITIES.get(
                results.value(node, SH.resultSeverity),
                Severity.VIOLATION,
            ),
            focus=str(results.value(node, SH.focusNode)),
            path=_path(results, results.value(node, SH.resultPath)),
            value=None if value is None else _written(value),
            message=min(map(str, english), default=""),
            shape=str(shape),
            component=str(component),
        )


def _once_each(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding for each thing to mend: a value may break two constraints of one shape."""
    first: dict[tuple[str | None, ...], Finding] = {}
    for finding in findings:
        first.setdefault(
            (finding.focus, finding.path, finding.value, finding.shape, finding.message), finding
        )
    return tuple(first.values())


def _sort_key(finding: Finding) -> tuple[str, ...]:
    return (
        finding.focus,
        finding.path or "",
        finding.shape,
        finding.component,
        finding.value or "",
        finding.message,
    )


def _written(value: Any) -> str:
    """The value as in Turtle, everything in it escaped, the middle of a book left out."""
    if isinstance(value, rdflib.Literal):
        text = str(value)
        text = text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
        if value.language:
            return str(ox.Literal(text, language=value.language))
        datatype = ox.NamedNode(str(value.datatype)) if value.datatype else None
        return str(ox.Literal(text, datatype=datatype))
    return str(ox.NamedNode(str(value)))


def _path(results: rdflib.Graph, path: Any) -> str | None:
    """The path as an IRI; an inverse one with ^ before it."""
    if path is None or isinstance(path, rdflib.URIRef):
        return None if path is None else str(path)
    inverse = results.value(path, SH.inversePath)
    return f"^{inverse}" if inverse is not None else None


def _rdflib_triple(triple: ox.Triple) -> Any:
    return (_term(triple.subject), rdflib.URIRef(triple.predicate.value), _term(triple.object))


@lru_cache(maxsize=20_000)
def _term(term: Any) -> Any:
    if isinstance(term, ox.NamedNode):
        return rdflib.URIRef(term.value)
    if isinstance(term, ox.BlankNode):
        return rdflib.BNode(term.value)
    if term.language:
        return rdflib.Literal(term.value, lang=term.language)
    if term.datatype.value == "http://www.w3.org/2001/XMLSchema#string":
        return rdflib.Literal(term.value)
    return rdflib.Literal(term.value, datatype=rdflib.URIRef(term.datatype.value), normalize=False)
