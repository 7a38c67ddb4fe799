"""Validation reports as plain values: severity, finding, cause, report.

Free of pySHACL and rdflib, so that a web process can hold a report.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

__all__ = ["TABLE", "Cause", "Finding", "Report", "Severity", "Spot", "table_of"]


class Severity(StrEnum):
    """How much a finding weighs."""

    VIOLATION = "Violation"
    """The data would give wrong answers: it is refused."""
    WARNING = "Warning"
    """An answer would be weaker: the data is accepted, with this in its report."""
    INFO = "Info"
    """A hint."""


TABLE = "https://w3id.org/coprod/shapes#Table-"
"""The prefix of the IRIs of findings by the table readers."""
_ORDER = {severity: place for place, severity in enumerate(Severity)}


def table_of(record: Any) -> dict[str, Any]:
    """The fields of a dataclass by their names, as they are: `dataclasses.asdict` copies each."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file, as the person who wrote the file sees it.

    Attributes:
        sheet: the name of the sheet or of the CSV file.
        row: the number of the row, from 1.
        column: the header of the column.
        cell: the cell (``C7``) or cells (``C7:C9``).
        line: the number of the line of a text, from 1.
        source: the row of a mapping's source that it was made from.
    """

    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    cell: str | None = None
    line: int | None = None
    source: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The place as JSON can hold it."""
        return table_of(self)

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.source} (line {self.line})" if self.source else f"line {self.line}"
        parts = [self.sheet or ""]
        if self.cell:
            parts.append(self.cell)
        elif self.row:
            parts.append(f"row {self.row}")
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: one result of one shape at one place in the data.

    Attributes:
        severity: how much it weighs.
        focus: the thing it is about, as an IRI.
        path: the property it is about as an IRI (a longer path as SPARQL), or None.
        value: the value that offends as written in Turtle, or None.
        message: the fault in words: what was expected, what was found.
        shape: IRI of the shape.
        component: IRI of the kind of constraint.
        spot: its place in the file, where that is known.
        fix: advice how to mend it.
        permitted: the values that may stand there, where they are few.
        language: the language of message and fix.
        words: IRI of the node of the shapes with its words, where that is not the shape.
        slots: name in braces in those words → the text to fill in.
    """

    severity: Severity
    focus: str
    path: str | None
    value: str | None
    message: str
    shape: str
    component: str
    spot: Spot | None = None
    fix: str | None = None
    permitted: tuple[str, ...] = ()
    language: str = "en"
    words: str = ""
    slots: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON can hold it."""
        return table_of(self) | {"spot": self.spot and self.spot.as_dict()}

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """The finding that `as_dict` gave."""
        spot = table.get("spot")
        return cls(
            **{
                **table,
                "severity": Severity(table["severity"]),
                "spot": Spot(**spot) if spot else None,
                "permitted": tuple(table.get("permitted") or ()),
                "slots": tuple((name, value) for name, value in table.get("slots") or ()),
            }
        )

    @property
    def cause(self) -> tuple[str, ...]:
        """The key under which findings that are mended in the same way are grouped.

        The message of a table reader names the value, so there the kind of fault and the column
        make the cause; the message of a shape is the same at every place.
        """
        if self.spot and self.spot.sheet and self.shape.startswith(TABLE):
            return (self.severity, self.shape, self.spot.sheet or "", self.spot.column or "")
        return (self.severity, self.shape, self.message, "")


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
        return sum(finding.severity is severity for finding in self.findings)

    def causes(self) -> tuple[Cause, ...]:
        """The findings grouped by cause, the weightiest and most frequent first."""
        groups: dict[tuple[str, ...], list[Finding]] = {}
        for finding in self.findings:
            groups.setdefault(finding.cause, []).append(finding)
        causes = (
            Cause(group[0].severity, group[0].shape, group[0].message, tuple(group))
            for group in groups.values()
        )
        return tuple(
            sorted(causes, key=lambda cause: (_ORDER[cause.severity], -cause.count, cause.shape))
        )

    def without(self, findings: Iterable[Finding]) -> "Report":
        """The same report without some findings."""
        removed = set(findings)
        return Report(tuple(finding for finding in self.findings if finding not in removed))
