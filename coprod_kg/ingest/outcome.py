"""Outcome of one file of a submission, and its sender, as plain values."""

from dataclasses import dataclass
from hashlib import sha256

from coprod_kg.errors import CoprodError
from coprod_kg.ingest.changes import Changes
from coprod_kg.ingest.job import Sent
from coprod_kg.validation.report import Report

__all__ = ["Outcome", "Sender"]


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
        sent: what was sent, or None where not even that could be read.
        organisation: whose data it is, or None where that could not be told.
        report: the findings.
        triples: the number of statements in it.
        error: why it was refused, or None.
        version: the dataset version that first holds it; None where nothing was committed.
        submission: the name of the submission that it is part of, where it is committed.
        merged: whether it adds to what the organisation has, and takes nothing away.
        changes: what it would change or has changed.
        unchanged: whether these very bytes were accepted before and nothing had to be done.
    """

    file: str
    sent: Sent | None = None
    organisation: str | None = None
    report: Report = Report()  # noqa: RUF009  # a frozen value without findings
    triples: int = 0
    error: CoprodError | None = None
    version: int | None = None
    unchanged: bool = False
    merged: bool = False
    changes: Changes = Changes()  # noqa: RUF009  # a frozen value without changes
    submission: str | None = None

    @property
    def accepted(self) -> bool:
        """Whether it may enter, or has entered."""
        return self.error is None

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of the bytes."""
        return sha256(self.sent.content).hexdigest() if self.sent else None
