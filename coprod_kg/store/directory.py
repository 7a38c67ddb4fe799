"""The data directory: what lies where, and who may use it; it never opens the store itself.

DATA/
├── lock            locked by the one service or command that uses the directory
├── journal         the commit under way, complete, until it is on disk
├── store/          the durable store (RocksDB)
├── snapshots/N/    one immutable copy for each version, by hard links
├── snapshots/current → N
├── scratch/        what an update works on, until it has ended
├── submissions/    the bytes that were submitted, named by their SHA-256
└── freshness.json  when each saved query was last run; no part of the data

The sockets of the running processes live elsewhere, in a short-lived runtime directory: the
path of a Unix socket may only be about 100 bytes long.
"""

import fcntl
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coprod_kg.errors import StoreInUse, StoreUnavailable

__all__ = ["DataDirectory", "alone", "put", "sync"]

_RUN_PREFIX = "coprod-"


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The paths below one data directory."""

    root: Path

    @property
    def store(self) -> Path:
        """The durable store."""
        return self.root / "store"

    @property
    def journal(self) -> Path:
        """The commit under way."""
        return self.root / "journal"

    @property
    def snapshots(self) -> Path:
        """The folder of the snapshots."""
        return self.root / "snapshots"

    @property
    def scratch(self) -> Path:
        """The folder of what is thrown away."""
        return self.root / "scratch"

    @property
    def submissions(self) -> Path:
        """The folder of the bytes that were submitted."""
        return self.root / "submissions"

    def create(self) -> None:
        """Make the folders that are missing.

        Raises:
            StoreUnavailable: the directory cannot be made or written.
        """
        try:
            for folder in (self.root, self.snapshots, self.scratch, self.submissions):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"the data directory cannot be written: {error.strerror}",
                where=str(self.root),
                fix="Choose another with --data, or give this user the right to write there.",
            ) from None

    def holder(self) -> Mapping[str, Any]:
        """What the holder of the lock says of itself: ``pid``, ``run``, ``url`` (or nothing)."""
        try:
            told: dict[str, Any] = json.loads((self.root / "lock").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told

    @contextmanager
    def locked(self, url: str | None = None) -> Iterator[Path]:
        """Hold the directory; gives a new runtime directory for sockets.

        The kernel frees the lock when this process ends, however it ends.

        Raises:
            StoreInUse: another process holds it.
        """
        self.create()
        with (self.root / "lock").open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise self._in_use() from None
            _remove_run(self.holder().get("run"))
            for left in self.scratch.iterdir():
                shutil.rmtree(left)
            run = Path(tempfile.mkdtemp(prefix=_RUN_PREFIX))
            lock.truncate(0)
            lock.write(json.dumps({"pid": os.getpid(), "run": str(run), "url": url}))
            lock.flush()
            try:
                yield run
            finally:
                lock.truncate(0)
                _remove_run(str(run))

    def _in_use(self) -> StoreInUse:
        holder = self.holder()
        serves = f", which serves {holder['url']}" if holder.get("url") else ""
        return StoreInUse(
            f"the data directory {self.root.resolve()} is in use by process "
            f"{holder.get('pid', '(unknown)')}{serves}",
            fix="Stop that process, talk to it with --url, or choose another with --data.",
        )


def _remove_run(run: str | None) -> None:
    """Remove the runtime directory of a holder that is gone; sockets only live there."""
    if run and Path(run).name.startswith(_RUN_PREFIX):
        shutil.rmtree(run, ignore_errors=True)


def put(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Put a file in its place whole, or in that of the one there, so that it survives a power loss.

    Args:
        path: where it is to be.
        content: all of its bytes.
        mode: who may read and write it, as far as the process allows.

    Raises:
        OSError: it cannot be written; what was there is still there.
    """
    # two threads may write the same bytes, which have one name, at the same moment
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync(path.parent)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one process at a time change a file: hold the lock that lies beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sync(path: Path) -> None:
    """Make the entries of a folder, or the bytes of a file, survive a power loss."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
