"""Findings on names that only say that there is none, such as "N/A", by the workbooks' list."""

from collections.abc import Iterable, Iterator
from typing import Final

import pyoxigraph as ox

from coprod_kg.model.namespaces import expand
from coprod_kg.validation.report import Finding, Severity
from coprod_kg.workbook.words import is_placeholder

__all__ = ["empty_names"]

_SHAPE: Final = expand("cps:ProperName")
_NAMES: Final = frozenset(map(expand, ("rdfs:label", "skos:prefLabel", "foaf:name")))


def empty_names(triples: Iterable[ox.Triple]) -> Iterator[Finding]:
    """The names among these statements that name nothing and nobody."""
    for subject, predicate, name in triples:
        if (
            predicate.value in _NAMES
            and isinstance(name, ox.Literal)
            and is_placeholder(name.value)
        ):
            yield Finding(
                severity=Severity.VIOLATION,
                focus=str(subject).strip("<>"),
                path=predicate.value,
                value=str(name),
                message="",  # the words of the shape are filled in with the place
                shape=_SHAPE,
                component=f"{_SHAPE}ConstraintComponent",
                slots=(("name", name.value[:60]),),
            )
