"""Report on a submission as plain values: the outcome of each file, and its JSON form.

The JSON is the report for programs, and its shape is stable:

``{"submission", "version", "accepted", "files": [{"file", "sha256", "organisation",
"organisations": [{"organisation", "triples"}], "accepted", "unchanged", "triples",
"changes": {"added", "changed", "removed", "renamed", "kept": [{"iri", "name", "before"}]},
"counts": {"violation", "warning", "info"}, "error": {"title", "what", "where", "fix"},
"causes": [{"severity", "shape", "message", "fix", "count", "spots"}],
"findings": [{"severity", "focus", "path", "value", "message", "fix", "language", "permitted",
"shape", "component", "spot": {"sheet", "row", "column", "cell", "line"}}]}]}``

Whatever is not known is null. A cause names the first places; the findings are all there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from coprod_kg.errors import CoprodError, NotConformant
from coprod_kg.ingest.changes import Changes
from coprod_kg.ingest.outcome import Outcome
from coprod_kg.validation.report import Cause, Finding, Report, Severity
from coprod_kg.workbook.sentences import sentence

__all__ = ["Reported", "as_table", "from_table", "language_of", "reported"]

_SPOTS: Final = 5


@dataclass(frozen=True, slots=True)
class Reported:
    """The report on one file.

    Attributes:
        file: its name.
        sha256: the digest of its bytes, or None where it could not even be opened.
        organisations: whose data it holds, each with the number of its statements.
        report: the findings.
        error: title, what, where and fix of why it was refused, or None.
        unchanged: whether these very bytes were accepted before.
        version: the dataset version that first holds it.
        submission: the name of the submission that it is part of.
        changes: what it would change, or has changed.
    """

    file: str
    sha256: str | None
    organisations: tuple[tuple[str, int], ...]
    report: Report
    error: Mapping[str, Any] | None
    unchanged: bool
    version: int | None
    submission: str | None
    changes: Changes = Changes()  # noqa: RUF009  # a frozen value without changes

    @property
    def language(self) -> str:
        """The language of its findings, in which the whole report is written; else English."""
        return next((finding.language for finding in self.report.findings), "en")

    @property
    def accepted(self) -> bool:
        """Whether it may enter, or has entered."""
        return self.error is None

    @property
    def triples(self) -> int:
        """The number of statements in it."""
        return sum(count for _, count in self.organisations)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        names = [organisation for organisation, _ in self.organisations if organisation]
        return {
            "file": self.file,
            "sha256": self.sha256,
            "organisation": names[0] if len(names) == 1 else None,
            "organisations": [
                {"organisation": organisation or None, "triples": count}
                for organisation, count in self.organisations
            ],
            "accepted": self.accepted,
            "unchanged": self.unchanged,
            "version": self.version,
            "submission": self.submission,
            "triples": self.triples,
            "changes": self.changes.as_dict(),
            "counts": {severity.lower(): self.report.count(severity) for severity in Severity},
            "error": self.error,
            "causes": [_cause(cause) for cause in self.report.causes()],
            "findings": [_finding(finding) for finding in self.report.findings],
        }

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """The inverse of `as_dict`."""
        return cls(
            file=table["file"],
            sha256=table["sha256"],
            organisations=tuple(
                (organisation["organisation"] or "", organisation["triples"])
                for organisation in table["organisations"]
            ),
            report=Report(tuple(Finding.of(finding) for finding in table["findings"])),
            error=table["error"],
            unchanged=table["unchanged"],
            version=table["version"],
            submission=table["submission"],
            changes=Changes.of(table.get("changes") or {}),
        )


def language_of(files: Iterable[Reported]) -> str:
    """The language of a report on several files: of the first that is not in English."""
    return next((file.language for file in files if file.language != "en"), "en")


def reported(outcomes: Iterable[Outcome]) -> list[Reported]:
    """One report per file; the parts of a workbook of several organisations together."""
    files: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        files.setdefault(id(outcome.sent) if outcome.sent else id(outcome), []).append(outcome)
    return [_file_report(parts) for parts in files.values()]


def as_table(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """The whole report as JSON can hold it."""
    files = reported(outcomes)
    return {
        "submission": next((file.submission for file in files if file.submission), None),
        "version": next((file.version for file in files if file.version), None),
        "accepted": all(file.accepted for file in files),
        "files": [file.as_dict() for file in files],
    }


def from_table(table: Mapping[str, Any]) -> list[Reported]:
    """The inverse of `as_table`."""
    return [Reported.of(file) for file in table["files"]]


def _file_report(parts: Sequence[Outcome]) -> Reported:
    first = parts[0]
    report = Report(tuple(finding for part in parts for finding in part.report.findings))
    return Reported(
        file=first.file,
        sha256=first.sha256,
        organisations=tuple(
            (part.organisation or "", part.triples)
            for part in parts
            if part.organisation or part.triples
        ),
        report=report,
        error=_error(parts, report),
        unchanged=all(part.unchanged for part in parts),
        version=next((part.version for part in parts if part.version), None),
        submission=next((part.submission for part in parts if part.submission), None),
        changes=sum((part.changes for part in parts), Changes()),
    )


def _error(parts: Sequence[Outcome], report: Report) -> Mapping[str, Any] | None:
    errors = [part.error for part in parts if part.error]
    other_refusals = [refusal for refusal in errors if not isinstance(refusal, NotConformant)]
    error: CoprodError | None = next(iter(other_refusals or errors), None)
    if error is None:
        return None
    reason, fix = error.what, error.fix
    count = report.count(Severity.VIOLATION)
    if not other_refusals and count:
        language = next(finding.language for finding in report.findings)
        key = "must-be-mended-one" if count == 1 else "must-be-mended"
        reason = sentence(key, language, count=count)
        fix = sentence("mend-and-send", language)
    return {
        "kind": type(error).__name__,
        "title": error.title,
        "what": reason,
        "where": error.where,
        "fix": fix,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    table = finding.as_dict()
    return {name: table[name] for name in table if name not in ("words", "slots")}


def _cause(cause: Cause) -> dict[str, Any]:
    fixes = {finding.fix for finding in cause.findings}
    spots = [finding.spot for finding in cause.findings[:_SPOTS] if finding.spot]
    return {
        "severity": cause.severity,
        "shape": cause.shape,
        "message": cause.message,
        "fix": next(iter(fixes)) if len(fixes) == 1 else None,
        "count": cause.count,
        "spots": [spot.as_dict() for spot in spots],
    }
