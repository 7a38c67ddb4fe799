"""Proposals: self-assessments sent without a token, kept apart until a curator decides.

DATA/proposals/
├── ID.json   one proposal; its answers and contact go once it is decided or has expired
├── key       of the marks by which the proposals of one client are counted
└── queue.lock

A proposal has two names. Its address, which only its sender is told, holds 128 random bits;
curators see the first digits of their SHA-256, so that the folder does not tell the address.
"""

import hmac
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Final

from coprod_kg.errors import NotFound, Overloaded, WrongUsage
from coprod_kg.settings import Settings
from coprod_kg.store.directory import DataDirectory, locked, write_durably

__all__ = ["Proposal", "Proposals", "Standing"]

_ID: Final = re.compile(r"[0-9a-f]{16}")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_RETRY_SECONDS: Final = 3600


class Standing(StrEnum):
    """The state of a proposal."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    DISCARDED = "discarded"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal.

    Attributes:
        id: as curators call it.
        standing: its state.
        received: when it came, in ISO 8601.
        decided: when it was decided or expired, or None.
        answers: the answers, as the form sends them; empty once it is decided.
        contact: how the sender can be reached; empty where none was given, and once it is decided.
        sentence: the curator's message to the sender, or an empty text.
        submission: the submission that it became, or an empty text.
        mark: of the client that sent it, while it waits.
    """

    id: str
    standing: Standing
    received: str
    decided: str | None = None
    answers: tuple[tuple[str, str], ...] = ()
    contact: str = ""
    sentence: str = ""
    submission: str = ""
    mark: str = ""

    def value(self, name: str) -> str:
        """The first value of an answer, or an empty text."""
        return next((value for key, value in self.answers if key == name), "")

    def for_sender(self) -> dict[str, str | None]:
        """The values that its sender may see."""
        return {
            "standing": self.standing.value,
            "received": self.received,
            "decided": self.decided,
            "sentence": self.sentence,
            "submission": self.submission or None,
        }

    def summary(self) -> dict[str, str | None]:
        """The values in the list for curators."""
        return {
            "id": self.id,
            **self.for_sender(),
            "initiative": self.value("Ask-name"),
            "organisation": self.value("Ask-runner"),
            "contact": self.contact,
        }


class Proposals:
    """The proposals of an installation.

    Args:
        settings: where they are kept, how many, and how long.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = DataDirectory(settings.data).proposals
        self._most, self._most_of_client = settings.proposals, settings.client_proposals
        self._keep_for = timedelta(days=settings.proposal_days)

    def add(self, answers: list[tuple[str, str]], contact: str, client: str) -> str:
        """Keep a proposal, and return the address for its sender.

        Args:
            answers: the answers.
            contact: how the sender can be reached, or an empty text.
            client: the key by which requests of the client are limited, which is not kept.

        Raises:
            Overloaded: as many wait as may, of all or of this client.
        """
        with locked(self._folder / "queue"):
            waiting = self.waiting()
            mark = self._mark(client)
            if len(waiting) >= self._most:
                raise Overloaded(
                    f"{len(waiting)} proposals wait already, and no more are taken",
                    fix="Save your answers as a file, and send them when a curator has decided.",
                    setting="proposals",
                    retry_after=_RETRY_SECONDS,
                )
            if (
                sum(proposal_waiting.mark == mark for proposal_waiting in waiting)
                >= self._most_of_client
            ):
                raise Overloaded(
                    f"{self._most_of_client} proposals of yours wait already, and no more are "
                    "taken from one client",
                    fix="Save your answers as a file, and send them when a curator has decided.",
                    setting="client-proposals",
                    retry_after=_RETRY_SECONDS,
                )
            address = secrets.token_urlsafe(16)
            proposal = Proposal(
                _id_of(address),
                Standing.WAITING,
                _now().isoformat(timespec="seconds"),
                answers=tuple(answers),
                contact=contact,
                mark=mark,
            )
            self._put(proposal)
        return address

    def at_address(self, address: str) -> Proposal:
        """The proposal of an address, which only its sender has.

        Raises:
            NotFound: there is none, or it was decided too long ago.
        """
        if not _ADDRESS.fullmatch(address):
            raise _unknown()
        return self.read(_id_of(address))

    def read(self, name: str) -> Proposal:
        """The proposal of an identifier.

        Raises:
            NotFound: there is none, or it was decided too long ago.
        """
        path = self._folder / f"{name}.json"
        if not _ID.fullmatch(name) or not path.exists():
            raise _unknown()
        proposal = self._current(path)
        if proposal is None:
            raise _unknown()
        return proposal

    def waiting(self) -> list[Proposal]:
        """Those that wait, the oldest first."""
        proposals = (
            candidate for candidate in self._all() if candidate.standing is Standing.WAITING
        )
        return sorted(proposals, key=lambda proposal: (proposal.received, proposal.id))

    def decide(
        self, name: str, standing: Standing, sentence: str = "", submission: str = ""
    ) -> Proposal:
        """Record the decision on a proposal, and delete its answers and contact.

        Raises:
            NotFound: there is none of that name.
            WrongUsage: it does not wait any more.
        """
        with locked(self._folder / "queue"):
            proposal = self.read(name)
            if proposal.standing is not Standing.WAITING:
                raise WrongUsage(
                    f"the proposal {name} is {proposal.standing} already",
                    fix="coprod-kg proposals lists those that wait.",
                )
            decided = replace(
                _without_answers(proposal, standing), sentence=sentence, submission=submission
            )
            self._put(decided)
        return decided

    def _all(self) -> Iterator[Proposal]:
        for path in sorted(self._folder.glob("*.json")):
            proposal = self._current(path)
            if proposal is not None:
                yield proposal

    def _current(self, path: Path) -> Proposal | None:
        """A proposal as it is now: expired where its time is over; None once it is deleted."""
        try:
            table = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        table["standing"] = Standing(table["standing"])
        table["answers"] = tuple((name, value) for name, value in table["answers"])
        proposal = Proposal(**table)
        since = datetime.fromisoformat(proposal.decided or proposal.received)
        if _now() - since < self._keep_for:
            return proposal
        if proposal.standing is not Standing.WAITING:
            path.unlink(missing_ok=True)
            return None
        expired = _without_answers(proposal, Standing.EXPIRED)
        self._put(expired)
        return expired

    def _put(self, proposal: Proposal) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        body = json.dumps(asdict(proposal), ensure_ascii=False, indent=1)
        write_durably(self._folder / f"{proposal.id}.json", body.encode())

    def _mark(self, client: str) -> str:
        """A keyed hash of the client: it counts the client's proposals without identifying it."""
        path = self._folder / "key"
        if not path.exists():
            write_durably(path, secrets.token_bytes(32))
        return hmac.new(path.read_bytes(), client.encode(), "sha256").hexdigest()[:16]


def _without_answers(proposal: Proposal, standing: Standing) -> Proposal:
    return Proposal(proposal.id, standing, proposal.received, _now().isoformat(timespec="seconds"))


def _id_of(address: str) -> str:
    return sha256(address.encode()).hexdigest()[:16]


def _now() -> datetime:
    return datetime.now(UTC)


def _unknown() -> NotFound:
    return NotFound(
        "there is no proposal here, or it was decided long ago",
        fix="Copy the address whole. What is decided is forgotten after the days of proposal-days.",
    )
