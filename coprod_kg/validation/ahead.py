"""Check of dates that must not lie in the future (``cps:NotAhead`` in the shapes).

Not a SHACL constraint: SHACL compares values of one type only, and a query for each claim would
take longer than all other shapes together.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pyoxigraph as ox

from coprod_kg.errors import ModelError
from coprod_kg.model.graph import Graph
from coprod_kg.validation.report import Finding, Severity

__all__ = ["Ahead"]

_CPS: Final = "https://w3id.org/coprod/shapes#"
_COMPONENT: Final = f"{_CPS}NotAheadConstraintComponent"
_DATE: Final = re.compile(r"(\d{4}(?:-\d{2}){0,2})(?:Z|[+-]\d{2}:\d{2}|T.*)?")
_LONG_YEAR: Final = re.compile(r"\d{5,}")


@dataclass(frozen=True, slots=True)
class _Rule:
    shape: str
    severity: Severity
    message: str
    unless: tuple[str, str] | None


class Ahead:
    """The dates that may not lie ahead.

    Args:
        shapes: the shapes.
        days: how many days after today are still taken for today.

    Raises:
        ModelError: such a shape lacks its path or severity.
    """

    def __init__(self, shapes: Graph, days: int) -> None:
        self._days = days
        self._rules = dict(_rules(shapes))

    def check(self, triples: Sequence[ox.Triple]) -> Iterator[Finding]:
        """A finding for each date among these statements that lies in the future."""
        latest = (datetime.now(UTC) + timedelta(days=self._days)).date().isoformat()
        exceptions = self._exceptions(triples)
        for subject, predicate, value in triples:
            rule = self._rules.get(predicate.value)
            if rule is None or not isinstance(value, ox.Literal) or not _is_after(value, latest):
                continue
            if rule.unless is None or (subject, rule.unless) not in exceptions:
                yield Finding(
                    severity=rule.severity,
                    focus=str(subject).strip("<>"),
                    path=predicate.value,
                    value=value.value,
                    message=rule.message,
                    shape=rule.shape,
                    component=_COMPONENT,
                )

    def _exceptions(self, triples: Iterable[ox.Triple]) -> set[tuple[object, tuple[str, str]]]:
        pairs = {rule.unless for rule in self._rules.values() if rule.unless}
        return {
            (subject, (predicate.value, value.value))
            for subject, predicate, value in triples
            if isinstance(value, ox.NamedNode) and (predicate.value, value.value) in pairs
        }


def _is_after(value: ox.Literal, latest: str) -> bool:
    """Whether a day, a month or a year lies after a day, as far as it goes."""
    if _LONG_YEAR.match(value.value):
        return True
    date = _DATE.fullmatch(value.value)
    return date is not None and date[1] > latest[: len(date[1])]


def _rules(shapes: Graph) -> Iterator[tuple[str, _Rule]]:
    for node in shapes.instances("cps:NotAhead"):
        path, severity = shapes.value(node, "sh:path"), shapes.value(node, "sh:severity")
        if path is None or severity is None:
            raise ModelError("it lacks its sh:path or sh:severity", where=node.value)
        exception = shapes.value(node, "cps:unless")
        yield (
            path.value,
            _Rule(
                node.value,
                Severity(severity.value.rpartition("#")[2]),
                shapes.text(node, "sh:message"),
                (
                    shapes.value(exception, "sh:path").value,
                    shapes.value(exception, "sh:hasValue").value,
                )
                if exception is not None
                else None,
            ),
        )
