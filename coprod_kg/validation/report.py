"""What a validation found, as plain values; it never validates.

This module needs neither pySHACL nor rdflib, so that a web process can hold a report.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

__all__ = ["Cause", "Finding", "Report", "Severity"]


class Severity(StrEnum):
    """How much a finding weighs."""

    VIOLATION = "Violation"
    """The data would give wrong answers: it is refused."""
    WARNING = "Warning"
    """An answer would be weaker: accepted, and told."""
    INFO = "Info"
    """A hint."""


_ORDER = {one: place for place, one in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that one shape says about one place in the data.

    Attributes:
        severity: how much it weighs.
        focus: the thing it is about, as an IRI.
        path: the property it is about as an IRI (a longer path as SPARQL), or None.
        value: the value that offends as written in Turtle, or None.
        message: what was expected and what to write.
        shape: IRI of the shape that says so.
        component: IRI of the kind of constraint.
    """

    severity: Severity
    focus: str
    path: str | None
    value: str | None
    message: str
    shape: str
    component: str

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON can hold it."""
        return asdict(self)

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """The finding that `as_dict` gave."""
        return cls(**{**table, "severity": Severity(table["severity"])})


@dataclass(frozen=True, slots=True)
class Cause:
    """All findings of one shape: one thing to mend, as often as it occurs."""

    severity: Severity
    shape: str
    message: str
    findings: tuple[Finding, ...]

    @property
    def count(self) -> int:
        """How often it occurs."""
        return len(self.findings)


@dataclass(frozen=True, slots=True)
class Report:
    """All findings about one submission."""

    findings: tuple[Finding, ...] = ()

    @property
    def conforms(self) -> bool:
        """Whether it may be accepted: no finding is a violation."""
        return not self.count(Severity.VIOLATION)

    def count(self, severity: Severity) -> int:
        """The number of findings of this weight."""
        return sum(one.severity is severity for one in self.findings)

    def causes(self) -> tuple[Cause, ...]:
        """The findings grouped by what is wrong, the weightiest and most frequent first."""
        groups: dict[tuple[Severity, str, str], list[Finding]] = {}
        for one in self.findings:
            groups.setdefault((one.severity, one.shape, one.message), []).append(one)
        made = (Cause(*key, findings=tuple(group)) for key, group in groups.items())
        return tuple(sorted(made, key=lambda one: (_ORDER[one.severity], -one.count, one.shape)))

    def without(self, findings: Iterable[Finding]) -> "Report":
        """The same report less some findings."""
        gone = set(findings)
        return Report(tuple(one for one in self.findings if one not in gone))
