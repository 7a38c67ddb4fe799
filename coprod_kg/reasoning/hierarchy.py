"""The inferred class hierarchy, read from HermiT's output and shown as a tree."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from coprod_kg.model.namespaces import expand, shorten

__all__ = ["Branch", "Classification", "outline", "read_classification", "tree"]

_THING, _NOTHING = expand("owl:Thing"), expand("owl:Nothing")
_LINE = re.compile(r"^(SubClassOf|EquivalentClasses)\( ((?:<[^>]+>\s*)+) \)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Branch:
    """A class, its equivalent classes, and its direct subclasses."""

    iri: str
    equivalents: tuple[str, ...]
    branches: tuple["Branch", ...]


@dataclass(frozen=True, slots=True)
class Classification:
    """HermiT's classification: superclasses, equivalent classes and unsatisfiable classes."""

    parents: Mapping[str, frozenset[str]]
    equivalents: Mapping[str, frozenset[str]]
    unsatisfiable: tuple[str, ...]

    def ancestors(self, iri: str) -> frozenset[str]:
        """All classes that an instance of the class belongs to, itself included."""
        classes: set[str] = set()
        waiting = [iri]
        while waiting:
            kind = waiting.pop()
            if kind not in classes and kind != _THING:
                classes.add(kind)
                waiting += self.equivalents.get(kind, ())
                waiting += self.parents.get(kind, ())
        return frozenset(classes)


def read_classification(text: str) -> Classification:
    """Parse HermiT's output of a classification."""
    parents: dict[str, set[str]] = defaultdict(set)
    equivalents: dict[str, set[str]] = defaultdict(set)
    for kind, inside in _LINE.findall(text):
        iris = inside.strip()[1:-1].split("> <")
        if kind == "SubClassOf":
            parents[iris[0]].add(iris[1])
        else:
            for iri in iris:
                equivalents[iri] |= set(iris) - {iri}
    unsatisfiable = equivalents.pop(_NOTHING, set())
    return Classification(
        {iri: frozenset(above) for iri, above in parents.items()},
        {iri: frozenset(same) for iri, same in equivalents.items() if iri not in unsatisfiable},
        tuple(sorted(unsatisfiable)),
    )


def tree(classes: Collection[str], classification: Classification) -> tuple[Branch, ...]:
    """The hierarchy of the classes given, each level in the order of the names.

    Equivalent classes share one branch, that of the first IRI.
    """
    satisfiable = {iri for iri in classes if iri not in classification.unsatisfiable}
    representatives = {
        iri
        for iri in satisfiable
        if iri == min({iri, *classification.equivalents.get(iri, ())} & satisfiable)
    }
    children: dict[str, set[str]] = defaultdict(set)
    for iri in representatives:
        group = {iri, *classification.equivalents.get(iri, ())}
        above = {
            superclass for kind in group for superclass in classification.parents.get(kind, ())
        } - {_THING}
        for parent in above or {_THING}:
            children[
                min(
                    {parent, *classification.equivalents.get(parent, ())} & satisfiable,
                    default=_THING,
                )
            ].add(iri)

    def branch(iri: str) -> Branch:
        same = tuple(sorted(classification.equivalents.get(iri, ())))
        return Branch(
            iri, same, tuple(branch(child) for child in sorted(children[iri], key=shorten))
        )

    return branch(_THING).branches


def outline(branches: Collection[Branch], depth: int = 0) -> Iterator[str]:
    """The tree as indented lines, one class a line."""
    for branch in branches:
        yield "  " * depth + " = ".join(shorten(iri) for iri in (branch.iri, *branch.equivalents))
        yield from outline(branch.branches, depth + 1)
