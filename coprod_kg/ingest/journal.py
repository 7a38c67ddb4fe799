"""Journal of submissions: a JSON record of each, in the data directory.

``submissions/ID.json`` is the record: sender, time, outcome and report of each file, and the
digests of what each organisation's graph held before and after. ``submissions/graphs/`` holds
those contents, each once. The bytes that were sent lie beside them, by their SHA-256. A record is
written before the commit and again with its version after it: one without a version may have
entered or not (`history.settled`).
"""

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from coprod_kg.errors import NotFound
from coprod_kg.store.directory import write_durably
from coprod_kg.validation.report import table_of

__all__ = ["Journal", "JournalEntry", "Member", "keep", "keep_all"]

_WRITERS: Final = 8
"""So many files are written at a time, since each waits for the disk twice."""
_COMPRESSION: Final = 6
"""The level of zlib; its highest takes two and a half times as long for four per cent less."""
_ID: Final = re.compile(r"\d{8}T\d{12}Z")


@dataclass(frozen=True, slots=True)
class Member:
    """What a submission did to one organisation's graph.

    Attributes:
        file: the name of the file.
        organisation: whose data it is.
        sha256: of the bytes sent.
        triples: the number of statements.
        before: the digest of what the graph held before, or None where there was nothing.
        after: the digest of what it holds since, or None where it holds nothing.
    """

    file: str
    organisation: str
    sha256: str
    triples: int
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One submission.

    Attributes:
        id: its name, made from its time.
        sender: the name of who sent it.
        started: when, in ISO 8601.
        patch: whether it was merged into what was there.
        accepted: whether all of it was accepted.
        version: the dataset version that first holds it; None where nothing entered.
        undoes: the submission that it rolls back, or None.
        members: what it did to each graph; empty where nothing entered.
        report: its report as JSON.
    """

    id: str
    sender: str
    started: str
    patch: bool = False
    accepted: bool = False
    version: int | None = None
    undoes: str | None = None
    members: tuple[Member, ...] = ()
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def unsettled(self) -> bool:
        """Whether this record does not say if its commit was made."""
        return self.version is None and bool(self.members)

    @property
    def organisations(self) -> tuple[str, ...]:
        """The organisations whose data it is."""
        files = self.report.get("files", ())
        names = (member["organisation"] for file in files for member in file["organisations"])
        return tuple(dict.fromkeys(organisation for organisation in names if organisation))

    def concerns(self, organisations: Sequence[str]) -> bool:
        """Whether it has to do with the data of one of these."""
        changed = (member.organisation for member in self.members)
        return not {*self.organisations, *changed}.isdisjoint(organisations)

    def summary(self) -> dict[str, Any]:
        """One line of a list as JSON."""
        return {
            "submission": self.id,
            "version": self.version,
            "accepted": self.accepted,
            "organisations": self.organisations,
            "sender": self.sender,
            "started": self.started,
            "patch": self.patch,
            "undoes": self.undoes,
        }


class Journal:
    """The records of one data directory."""

    def __init__(self, data: Path) -> None:
        """Nothing is read or written before it is needed."""
        self._folder = data / "submissions"

    def write(self, record: JournalEntry) -> None:
        """Keep a record so that it survives a power cut."""
        table = table_of(record) | {"members": [table_of(member) for member in record.members]}
        text = json.dumps(table, ensure_ascii=False)
        self._keep(self._folder / f"{record.id}.json", text.encode())

    def read(self, name: str, hidden: Sequence[str] = ()) -> JournalEntry:
        """One record.

        Args:
            name: of the submission.
            hidden: the organisations whose data is hidden from the client.

        Raises:
            NotFound: there is none of that name, or it has to do with one of those.
        """
        path = self._folder / f"{name}.json"
        record = self._read(path) if _ID.fullmatch(name) and path.is_file() else None
        if record is None or record.concerns(hidden):
            raise NotFound(
                f"there is no submission {name[:40]}",
                fix="coprod-kg submissions, or /submissions, lists them.",
            )
        return record

    def records(self, hidden: Sequence[str] = ()) -> Iterator[JournalEntry]:
        """Every record that has to do with none of the organisations hidden, the newest first."""
        paths = (path for path in self._folder.glob("*.json") if _ID.fullmatch(path.stem))
        all_records = (self._read(path) for path in sorted(paths, reverse=True))
        return (record for record in all_records if not record.concerns(hidden))

    @staticmethod
    def _read(path: Path) -> JournalEntry:
        table = json.loads(path.read_text(encoding="utf-8"))
        members = tuple(Member(**member) for member in table.pop("members"))
        return JournalEntry(**table, members=members)

    def keep_graph(self, content: bytes) -> str | None:
        """Keep what a graph holds, and give its digest; None where it holds nothing."""
        if not content:
            return None
        digest = sha256(content).hexdigest()
        path = self._folder / "graphs" / f"{digest}.nt.gz"
        if not path.exists():
            self._keep(path, gzip.compress(content, _COMPRESSION, mtime=0))
        return digest

    def keep_graphs(self, contents: Iterable[bytes]) -> list[str | None]:
        """Keep what several graphs hold, as `keep_graph` does for one; gives their digests."""
        with ThreadPoolExecutor(_WRITERS, "archive") as pool:
            return list(pool.map(self.keep_graph, contents))

    def graph(self, digest: str | None) -> bytes:
        """The content that `keep_graph` stored."""
        if digest is None:
            return b""
        return gzip.decompress((self._folder / "graphs" / f"{digest}.nt.gz").read_bytes())

    def bytes_of(self, digest: str) -> bytes:
        """The bytes of a file that was sent.

        Raises:
            NotFound: they are not kept.
        """
        path = self._folder / digest
        if not re.fullmatch(r"[0-9a-f]{64}", digest) or not path.is_file():
            raise NotFound("the bytes of this file are not kept here")
        return path.read_bytes()

    def _keep(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, content)


def keep(content: bytes, data: Path) -> Path:
    """Archive the bytes of an accepted file, so that they survive a power cut.

    The store normalises numbers and drops comments, so only these bytes prove what was sent: never
    change or remove one.

    Args:
        content: the bytes.
        data: the data directory.
    """
    folder = data / "submissions"
    folder.mkdir(0o700, parents=True, exist_ok=True)
    path = folder / sha256(content).hexdigest()
    if path.exists():
        return path
    write_durably(path, content)
    return path


def keep_all(contents: Iterable[bytes], data: Path) -> None:
    """Archive the bytes of several accepted files, as `keep` does for one."""
    with ThreadPoolExecutor(_WRITERS, "archive") as pool:
        list(pool.map(partial(keep, data=data), contents))  # raises what one of them raises
