"""A file during submission, as plain values: its bytes, the check's result, the outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import PurePath
from typing import Any

from coprod_kg.errors import CoprodError
from coprod_kg.ingest.changes import Changes, Statements, statements_by_thing
from coprod_kg.sandbox import wire
from coprod_kg.validation.report import Finding, Report
from coprod_kg.workbook.findings import Positions

__all__ = ["Checked", "Limits", "Outcome", "Sender", "SubmittedFile"]


@dataclass(frozen=True, slots=True)
class SubmittedFile:
    """One file as it was sent.

    Attributes:
        name: its name, for people and for its format.
        content: its bytes.
        stated: the format where it was stated: a media type or a name.
        organisation: whose data it is, where that was stated: the last part of the IRI.
    """

    name: str
    content: bytes
    stated: str | None = None
    organisation: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How far the check of one file may go.

    Attributes:
        seconds: the deadline of one file.
        memory_mb: memory above what the empty sandbox has.
        output_mb: the data written out in full, as N-Triples.
        total_seconds: the deadline of all files together, or None.
        days_ahead: how many days after today are still taken for today.
    """

    seconds: float
    memory_mb: int
    output_mb: int
    total_seconds: float | None = None
    days_ahead: int = 1


@dataclass(frozen=True)
class Checked:
    """The sandbox's result for one file.

    Attributes:
        report: the findings; of references to things that the file does not describe too.
        data: the statements as sorted N-Triples.
        inferred: what follows from them and is not among them, likewise.
        described: IRIs of the things described.
        organisations: names of the organisations described.
        leads: names of the organisations that run every initiative in the file.
        runners: names of the organisations that run any.
        partial: whether it is a table in which several organisations run something, and nobody
            said whose it is: then it adds to what they have, and takes nothing away.
        triples: the number of statements.
        refusal: why it could not be read; then there is nothing else.
        parts: where a table holds the data of several organisations: name → its statements.
            Then only the table was read, and each part is to be checked as a file of its own.
        positions: the cells of a table.
        headers: property → the header of its column in the template, likewise.
        links: those of the statements that go into a graph apart, as sorted N-Triples; they are
            not among the data then.
    """

    report: Report = Report()  # noqa: RUF009  # a frozen value without findings
    data: bytes = b""
    inferred: bytes = b""
    described: frozenset[str] = frozenset()
    organisations: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()
    runners: tuple[str, ...] = ()
    partial: bool = False
    triples: int = 0
    refusal: CoprodError | None = None
    parts: Mapping[str, bytes] = field(default_factory=dict)
    positions: Positions | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    links: bytes = b""

    def owner(self, sent: SubmittedFile) -> str | None:
        """The organisation that owns the data of a file, or None where that is not clear.

        The one that was stated; else the one that runs all that is run in it; else the only one
        that it describes. Of several, the one that the file has its name from.

        >>> Checked(organisations=("a", "b"), leads=("a",)).owner(SubmittedFile("data.ttl", b""))
        'a'
        """
        stem = PurePath(sent.name).stem
        if sent.organisation is not None:
            return sent.organisation
        if len(self.runners) > 1 and not self.partial:
            return stem if stem in self.leads else None
        for candidates in (self.leads, self.organisations):
            if len(candidates) == 1:
                return candidates[0]
            if stem in candidates:
                return stem
        return None

    @cached_property
    def statements(self) -> Mapping[str, Statements]:
        """Each thing → its statements; parsed at the first use."""
        return statements_by_thing(self.data)

    def frame(self) -> tuple[dict[str, Any], Sequence[bytes]]:
        """The header and the payloads to write."""
        error = self.refusal
        header = {
            "findings": [finding.as_dict() for finding in self.report.findings],
            "described": sorted(self.described),
            "organisations": self.organisations,
            "leads": self.leads,
            "runners": self.runners,
            "partial": self.partial,
            "triples": self.triples,
            "parts": list(self.parts),
            "headers": dict(self.headers),
            "positions": self.positions and self.positions.as_dict(),
            "refusal": error and wire.error_message(error),
        }
        return header, (self.data, self.inferred, *self.parts.values())

    @classmethod
    def of(cls, header: Mapping[str, Any], payloads: Sequence[bytes]) -> "Checked":
        """The inverse of `frame`, on the other side of the pipe."""
        return cls(
            report=Report(tuple(Finding.of(finding) for finding in header["findings"])),
            data=payloads[0],
            inferred=payloads[1],
            described=frozenset(header["described"]),
            organisations=tuple(header["organisations"]),
            leads=tuple(header["leads"]),
            runners=tuple(header["runners"]),
            partial=header["partial"],
            triples=int(header["triples"]),
            parts=dict(zip(header["parts"], payloads[2:], strict=True)),
            headers=header["headers"],
            positions=header["positions"] and Positions.of(header["positions"]),
            refusal=wire.error_in(header["refusal"] or {}),
        )


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of a submission.

    Attributes:
        slug: the last part of the IRI: ``<base>id/agent/slug``.
        label: the name for people.
    """

    slug: str = "command-line"
    label: str = "Somebody at the command line of this installation"

    def iri(self, base_iri: str) -> str:
        """The agent's IRI."""
        return f"{base_iri}id/agent/{self.slug}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one file.

    Attributes:
        file: its name.
        sent: the file as it was sent, or None where it could not be opened.
        organisation: the organisation that owns the data, or None where that is not clear.
        report: the findings.
        triples: the number of statements in it.
        error: why it was refused, or None.
        version: the dataset version that first holds it; None where nothing was committed.
        submission: the name of the submission that it is part of, where it is committed.
        merged: whether it adds to what the organisation has, and takes nothing away.
        changes: the changes it would make, or has made.
        unchanged: whether these very bytes were accepted before and nothing had to be done.
        checked: the sandbox's result for this organisation's part of the file.
    """

    file: str
    sent: SubmittedFile | None = None
    organisation: str | None = None
    report: Report = Report()  # noqa: RUF009  # a frozen value without findings
    triples: int = 0
    error: CoprodError | None = None
    version: int | None = None
    unchanged: bool = False
    merged: bool = False
    changes: Changes = Changes()  # noqa: RUF009  # a frozen value without changes
    submission: str | None = None
    checked: Checked = Checked()  # a frozen value of nothing

    @property
    def accepted(self) -> bool:
        """Whether it may enter, or has entered."""
        return self.error is None

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the bytes."""
        return sha256(self.sent.content).hexdigest() if self.sent else None
