"""Validation of submissions by pySHACL.

Costs half a second and forty megabytes to import: only a child process does so.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import pyoxigraph as ox
import rdflib
from pyshacl.graph_abstraction import DataGraph
from pyshacl.monkey import apply_patches
from pyshacl.validator import Validator
from rdflib.namespace import SH

from coprod_kg.model.graph import Graph
from coprod_kg.model.namespaces import expand
from coprod_kg.validation import view
from coprod_kg.validation.report import Finding, Severity
from coprod_kg.validation.screen import Screen
from coprod_kg.validation.view import View, rdflib_term, rdflib_triple
from coprod_kg.validation.violations import SEVERITIES, turtle

__all__ = ["Shapes"]

_PROSE: Final = frozenset(
    expand(name) for name in ("sh:name", "sh:description", "sh:order", "cps:advice", "cps:example")
)
_ABOUT_CLASSES: Final = frozenset(
    str(component) for component in (SH.ClassConstraintComponent, SH.OrConstraintComponent)
)


class Shapes:
    """The shapes, with the ontology and schemes in their background.

    Not for two threads at once: pySHACL writes into the shapes while it runs.

    Args:
        shapes: the statements of the shapes.
        background: the statements of the ontology and its schemes, with their conclusions.
        things: how the IRI of a thing begins that may be described elsewhere. Its class may be
            stated there, so results on the class of such a thing are left out.
    """

    def __init__(
        self, shapes: Iterable[ox.Triple], background: Iterable[ox.Triple], things: str
    ) -> None:
        self._things = things
        view.install()
        logging.getLogger("rdflib.term").setLevel(logging.CRITICAL)  # a wrong date is a finding
        needed = [triple for triple in shapes if triple.predicate.value not in _PROSE]
        self._screen = Screen(Graph(needed))
        graph = view.caching_graph()
        for triple in needed:  # pySHACL weighs each statement anew, so those it needs not stay out
            graph.add(rdflib_triple(triple))
        # No shape reads texts in a language, such as the labels of concepts: nearly half of all.
        self._background = Graph(
            triple
            for triple in background
            if not (isinstance(triple.object, ox.Literal) and triple.object.language)
        )
        self._view = View()
        self._view.show(self._background)
        self._data = DataGraph.from_rdflib(rdflib.Graph(store=self._view))
        # What `pyshacl.validate` does too; but that would load the shapes anew for each file.
        validator: Any = Validator(self._data, shacl_graph=graph, options={"inplace": True})
        patch: Any = apply_patches
        patch()
        validator.run()  # over the background alone
        self._validator = validator

    def validate(self, triples: Iterable[ox.Triple]) -> tuple[Finding, ...]:
        """The findings of the shapes about these statements, sorted."""
        data = Graph(triples, self._background)
        decided, nodes_for_pyshacl = self._screen.screened(data)
        if not nodes_for_pyshacl:
            return self._reported(decided, data)
        self._view.show(data)
        results = self._results(nodes_for_pyshacl)
        return self._reported((*decided, *_findings(results)), data)

    def findings(self, results: rdflib.Graph, data: Graph) -> tuple[Finding, ...]:
        """The findings in a report of pySHACL about some statements, sorted."""
        return self._reported(_findings(results), data)

    def _reported(self, findings: Iterable[Finding], data: Graph) -> tuple[Finding, ...]:
        reported = {finding for finding in findings if not self._is_elsewhere(finding, data)}
        return _distinct(sorted(reported, key=_sort_key))

    def _results(self, nodes_for_pyshacl: Mapping[Any, Sequence[Any] | None]) -> rdflib.Graph:
        """The report of pySHACL on some shapes, each for some nodes or for all its targets."""
        executor, shapes = self._validator.make_executor(), self._validator.shacl_graph
        reports: list[Any] = []
        for shape, nodes in nodes_for_pyshacl.items():
            focus = None if nodes is None else [*map(rdflib_term, nodes)]
            pyshacl_shape = shapes.lookup_shape_from_node(rdflib_term(shape))
            reports += pyshacl_shape.validate(executor, self._data, focus=focus)[1]
        report: rdflib.Graph = self._validator.create_validation_report(
            shapes, not reports, reports
        )[0]
        return report

    def _is_elsewhere(self, finding: Finding, data: Graph) -> bool:
        """Whether a finding is about the class of a thing that is not described in the file."""
        return (
            finding.component in _ABOUT_CLASSES
            and finding.value is not None
            and finding.value.startswith(f"<{self._things}")
            and not any(True for _ in data.properties(ox.NamedNode(finding.value[1:-1])))
        )


def _findings(results: rdflib.Graph) -> Iterator[Finding]:
    """The findings in a report of pySHACL."""
    for result in results.objects(None, SH.result):
        yield _finding(results, result)


def _finding(results: rdflib.Graph, node: Any) -> Finding:
    value = results.value(node, SH.value)
    messages = results.objects(node, SH.resultMessage)
    english = [text for text in messages if getattr(text, "language", None) in ("en", None)]
    severity = str(results.value(node, SH.resultSeverity))
    return Finding(
        severity=SEVERITIES.get(severity, Severity.VIOLATION),
        focus=str(results.value(node, SH.focusNode)),
        path=_path(results, results.value(node, SH.resultPath)),
        value=None if value is None else turtle(value),
        message=min(map(str, english), default=""),
        shape=str(results.value(node, SH.sourceShape)),
        component=str(results.value(node, SH.sourceConstraintComponent)),
    )


def _distinct(findings: Iterable[Finding]) -> tuple[Finding, ...]:
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


def _path(results: rdflib.Graph, path: Any) -> str | None:
    """The path as an IRI; an inverse one with ^ before it."""
    if path is None or isinstance(path, rdflib.URIRef):
        return None if path is None else str(path)
    inverse = results.value(path, SH.inversePath)
    return f"^{inverse}" if inverse is not None else None
