"""Types inferred for the things in a file before the shapes are applied.

Without them a thing that has no ``rdf:type`` would escape every shape, and queries would count it
by its inferred type. They follow from domains, ranges and inverse properties. A shape *covers* a
class if the class is one of its targets or a subclass of one.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import pyoxigraph as ox

from coprod_kg.model.graph import RDF_TYPE, Graph
from coprod_kg.model.namespaces import shorten
from coprod_kg.validation.report import Finding, Severity

__all__ = ["ConcludedTypes"]

_CPS: Final = "https://w3id.org/coprod/shapes#"
_MOST_NAMED: Final = 3

Infer = Callable[[Sequence[ox.Triple]], Iterable[ox.Triple]]
"""What follows from some statements by all rules."""


class ConcludedTypes:
    """Inference of the types by which the shapes find their targets.

    Args:
        background: the ontology and its schemes, with their conclusions.
        targets: the classes that the shapes are for.
        infer: gives the conclusions from the statements of a file.
    """

    def __init__(self, background: Graph, targets: Iterable[Any], infer: Infer) -> None:
        self._infer = infer
        self._covered = {kind for target in targets for kind in background.subclasses(target)}
        self._below = {kind: background.subclasses(kind) for kind in self._covered}
        self._domains: dict[Any, set[Any]] = {}
        self._inverse: dict[Any, Any] = {}
        for predicate, kind in background.pairs("rdfs:domain"):
            if kind in self._covered:
                self._domains.setdefault(predicate, set()).add(kind)
        for subject, inverse in background.pairs("owl:inverseOf"):
            self._inverse[subject], self._inverse[inverse] = inverse, subject

    def added(self, triples: Sequence[ox.Triple]) -> list[ox.Triple]:
        """The statements to be checked along with those of a file.

        Inverse statements that the file leaves out; for a thing with a type, the domains of its
        properties, whose shapes then hold for it too; and where no shape covers a thing as yet, the
        types that follow by all rules, which take much longer.
        """
        types, properties_of = self._types(triples), _properties_of(triples)
        added = list(self._inverse_statements(triples, properties_of))
        for subject, predicates in properties_of.items():
            for kind in set().union(
                *(self._domains.get(predicate, ()) for predicate in predicates)
            ):
                if types.get(subject) and not types[subject] & self._below[kind]:
                    added.append(ox.Triple(subject, RDF_TYPE, kind))
        untyped = {
            subject for subject in properties_of if not types.get(subject, set()) & self._covered
        }
        if untyped:
            added += [
                triple
                for triple in self._infer(triples)
                if triple.predicate == RDF_TYPE
                and triple.subject in untyped
                and triple.object in self._covered
            ]
        return added

    def uncovered(
        self, triples: Sequence[ox.Triple], added: Sequence[ox.Triple], stem: str
    ) -> tuple[Finding, ...]:
        """Findings on the things that no shape covers, by stated and by concluded types.

        Args:
            triples: the statements of a file.
            added: the result of `added`.
            stem: the start of the IRIs of things; `vocabulary` reports other subjects.
        """
        types = self._types([*triples, *added])
        return tuple(
            self._uncovered_finding(subject, types.get(subject, set()))
            for subject in dict.fromkeys(triple.subject for triple in triples)
            if isinstance(subject, ox.NamedNode)
            and subject.value.startswith(stem)
            and not types.get(subject, set()) & self._covered
        )

    def _uncovered_finding(self, subject: ox.NamedNode, types: Collection[Any]) -> Finding:
        type_names = sorted(shorten(kind.value) for kind in types if isinstance(kind, ox.NamedNode))
        if type_names:
            examples = ", ".join(type_names[:_MOST_NAMED])
            message = f"No question here looks at a thing of this kind ({examples})."
            fix = "Say besides what it is here, for example a cp:Evidence, or leave it out."
        else:
            message = "Nothing says what this thing is."
            fix = "Write for example a cp:Initiative."
        return Finding(
            Severity.WARNING if type_names else Severity.VIOLATION,
            subject.value,
            RDF_TYPE.value,
            None,
            message,
            f"{_CPS}CoveredThing",
            f"{_CPS}CoveredThingConstraintComponent",
            fix=fix,
        )

    def _types(self, triples: Iterable[ox.Triple]) -> dict[Any, set[Any]]:
        types: dict[Any, set[Any]] = {}
        for subject, predicate, obj in triples:
            if predicate == RDF_TYPE:
                types.setdefault(subject, set()).add(obj)
        return types

    def _inverse_statements(
        self, triples: Iterable[ox.Triple], properties_of: Mapping[Any, Collection[Any]]
    ) -> Iterable[ox.Triple]:
        """The inverse statements about things described here that do not state them themselves."""
        for subject, predicate, obj in triples:
            inverse = self._inverse.get(predicate)
            if inverse is not None and obj in properties_of and inverse not in properties_of[obj]:
                yield ox.Triple(obj, inverse, subject)


def _properties_of(triples: Iterable[ox.Triple]) -> dict[Any, set[Any]]:
    """Subject → the properties that it has."""
    properties_of: dict[Any, set[Any]] = {}
    for triple in triples:
        properties_of.setdefault(triple.subject, set()).add(triple.predicate)
    return properties_of
