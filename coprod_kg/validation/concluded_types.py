"""Types inferred for the things in a file before the shapes are applied.

Types that follow from what is said (domains, ranges, inverse properties) are concluded first:
else a thing without ``rdf:type`` would escape every shape and be counted all the same. A shape
*covers* a class if the class is one of its targets or below one.
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
    """Inference of the types by which the shapes find what they cover.

    Args:
        background: the ontology and its schemes, and what follows from them.
        targets: the classes that the shapes are for.
        infer: what follows from the statements of a file.
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
        types, used = self._types(triples), _used(triples)
        added = list(self._inverted(triples, used))
        for subject, predicates in used.items():
            for kind in set().union(
                *(self._domains.get(predicate, ()) for predicate in predicates)
            ):
                if types.get(subject) and not types[subject] & self._below[kind]:
                    added.append(ox.Triple(subject, RDF_TYPE, kind))
        untyped = {subject for subject in used if not types.get(subject, set()) & self._covered}
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
        self, triples: Sequence[ox.Triple], added: Sequence[ox.Triple], own: str
    ) -> tuple[Finding, ...]:
        """The things that no shape covers, whatever is concluded about them.

        Args:
            triples: the statements of a file.
            added: what `added` gave.
            own: how the IRIs of things begin; other subjects are reported by `vocabulary`.
        """
        types = self._types([*triples, *added])
        return tuple(
            self._uncovered(subject, types.get(subject, set()))
            for subject in dict.fromkeys(triple.subject for triple in triples)
            if isinstance(subject, ox.NamedNode)
            and subject.value.startswith(own)
            and not types.get(subject, set()) & self._covered
        )

    def _uncovered(self, subject: ox.NamedNode, types: Collection[Any]) -> Finding:
        named = sorted(shorten(kind.value) for kind in types if isinstance(kind, ox.NamedNode))
        if named:
            shown = ", ".join(named[:_MOST_NAMED])
            message = f"No question here looks at a thing of this kind ({shown})."
            fix = "Say besides what it is here, for example a cp:Evidence, or leave it out."
        else:
            message = "Nothing says what this thing is."
            fix = "Write for example a cp:Initiative."
        return Finding(
            Severity.WARNING if named else Severity.VIOLATION,
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

    def _inverted(
        self, triples: Iterable[ox.Triple], used: Mapping[Any, Collection[Any]]
    ) -> Iterable[ox.Triple]:
        """The inverse statements about things described here that do not state them themselves."""
        for subject, predicate, obj in triples:
            inverse = self._inverse.get(predicate)
            if inverse is not None and obj in used and inverse not in used[obj]:
                yield ox.Triple(obj, inverse, subject)


def _used(triples: Iterable[ox.Triple]) -> dict[Any, set[Any]]:
    """Subject → the properties that it has."""
    predicates: dict[Any, set[Any]] = {}
    for triple in triples:
        predicates.setdefault(triple.subject, set()).add(triple.predicate)
    return predicates
