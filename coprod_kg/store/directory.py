"""The data directory: its layout, permissions and lock.

DATA/
├── identity.json   the format of the directory, and the lineage of its versions
├── lock            process and address of the holder, for messages; the lock is the kernel's
├── journal         the commit under way, complete, until it is on disk
├── store/          the durable store (RocksDB)
├── snapshots/N/    one immutable copy for each version, by hard links
├── snapshots/current → N
├── snapshots/compacted/  a compacted copy of the newest version, for queries; may be removed
├── changes/N.json  the things that a version changed
├── answers/N/      what saved queries answer over a version, made ready; may be removed
├── dumps/          versions and organisations as files, made when they are first asked for
├── scratch/        what an update works on and large requests, until they have ended
├── proposals/      self-assessments sent without a token, until a curator decides; no data
├── submissions/    the bytes that were submitted, named by their SHA-256
├── last-backup.json  when the last copy was made
└── freshness.json  when each saved query was last run; no part of the data

The lock is a ``flock`` on the directory itself, so a file in it that was copied or forged locks
nothing. The sockets of the running processes live elsewhere, in a short-lived runtime directory:
the path of a Unix socket may only be about 100 bytes long.
"""

import errno
import fcntl
import json
import os
import pwd
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coprod_kg.errors import StoreFull, StoreInUse, StoreUnavailable

__all__ = [
    "DataDirectory",
    "check_not_full",
    "check_room",
    "locked",
    "not_allowed",
    "sync",
    "user_name",
    "write_durably",
]

_RESERVE_BYTES = 32 << 20
"""Left free by every commit, so that the store can always be opened again."""
_RESERVE_FILES = 256
"""Left free likewise: a commit makes files, and a snapshot a link to each file of the store."""
_OWNER_FOLDER = 0o700
_OWNER_FILE = 0o600
_OURS = (
    *("identity.json", "lock", "journal", "journal.unfinished", "store", "snapshots", "scratch"),
    *("submissions", "freshness.json", "freshness.lock", "tokens.json", "tokens.lock"),
    *("private.json", "private.lock", "last-backup.json", "changes", "dumps", "paired"),
    *("private.shared", "proposals", "answers", "copied"),
)
"""The entries of a data directory that are this software's."""


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
    def paired(self) -> Path:
        """The address of the engine that it is paired with, where it is."""
        return self.root / "paired"

    @property
    def snapshots(self) -> Path:
        """The folder of the snapshots."""
        return self.root / "snapshots"

    @property
    def changes(self) -> Path:
        """The folder of what each version changed."""
        return self.root / "changes"

    @property
    def answers(self) -> Path:
        """The folder of the answers made ready for a version."""
        return self.root / "answers"

    @property
    def dumps(self) -> Path:
        """The folder of the files that are downloaded."""
        return self.root / "dumps"

    @property
    def scratch(self) -> Path:
        """The folder of temporary files."""
        return self.root / "scratch"

    @property
    def submissions(self) -> Path:
        """The folder of the bytes that were submitted."""
        return self.root / "submissions"

    @property
    def proposals(self) -> Path:
        """The folder of what was proposed and is not decided."""
        return self.root / "proposals"

    @property
    def filling(self) -> Path:
        """A file that is there while an empty store is filled with the examples."""
        return self.root / "filling"

    def create(self) -> None:
        """Make the folders that are missing, for this user alone.

        Raises:
            StoreUnavailable: the directory cannot be made or written.
        """
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self.root, self.snapshots, self.scratch, self.submissions):
                folder.mkdir(_OWNER_FOLDER, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"the data directory cannot be written: {error.strerror}",
                where=str(self.root),
                fix=_OTHER,
            ) from None
        if not os.access(self.root, os.W_OK):
            raise not_allowed(self.root, "written")

    def check_there(self) -> None:
        """See that a command that only reads finds a store; it makes none.

        Raises:
            StoreUnavailable: there is none, or this user may not read it.
        """
        try:
            self.store.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise StoreUnavailable(
                f"there is no store at {self.root.absolute()}",
                fix="Name its directory with --data. coprod-kg serve and submit make a new one; "
                "coprod-kg validate needs none.",
            ) from None
        except PermissionError:
            raise not_allowed(self.root, "read") from None
        if not all(os.access(folder, os.R_OK | os.X_OK) for folder in (self.root, self.store)):
            raise not_allowed(self.root, "read")

    def close_to_others(self) -> None:
        """Take from other users the right to read what is there; what is not ours stays as it is.

        Raises:
            OSError: the files belong to somebody else.
        """
        entries = list(self.root.iterdir())
        ours = [entry for entry in entries if entry.name in _OURS and not entry.is_symlink()]
        if len(ours) == len(entries):
            self.root.chmod(_OWNER_FOLDER)
        for entry in ours:
            within = entry.rglob("*") if entry.is_dir() else ()
            for path in (entry, *within):
                if not path.is_symlink():
                    path.chmod(_OWNER_FOLDER if path.is_dir() else _OWNER_FILE)

    def holder(self) -> Mapping[str, Any]:
        """The entry of the lock's holder: ``pid``, ``run``, ``url`` (or nothing).

        It counts only while a process holds the lock, and is empty where the file came here with
        a copy of another directory.
        """
        try:
            entry: dict[str, Any] = json.loads((self.root / "lock").read_text(encoding="utf-8"))
            status = self.root.stat()
        except (OSError, ValueError):
            return {}
        ours = isinstance(entry, dict) and entry.get("directory") == [status.st_dev, status.st_ino]
        return entry if ours else {}

    @contextmanager
    def locked(self, url: str | None = None) -> Iterator[Path]:
        """Hold the directory; gives a new runtime directory for sockets.

        The kernel frees the lock when this process ends, however it ends.

        Raises:
            StoreInUse: another process holds it.
            StoreUnavailable: it cannot be written.
        """
        self.create()
        # The directory itself, not a file in it: no copy of the directory shares the lock.
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._in_use() from None
            self._clear_scratch()
            status = os.fstat(descriptor)
            with _runtime_directory(status) as run:
                entry = {"directory": [status.st_dev, status.st_ino], "pid": os.getpid()}
                entry |= {"run": str(run), "url": url}
                write_durably(self.root / "lock", json.dumps(entry).encode())
                try:
                    yield run
                finally:
                    (self.root / "lock").unlink(missing_ok=True)
        finally:
            os.close(descriptor)

    def _clear_scratch(self) -> None:
        if self.scratch.is_symlink():  # what it leads to lies elsewhere and is not ours to remove
            return
        for left in self.scratch.iterdir():
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink()

    def _in_use(self) -> StoreInUse:
        holder = self.holder()
        serves = f", which serves {holder['url']}" if holder.get("url") else ""
        return StoreInUse(
            f"the data directory {self.root.resolve()} is in use by process "
            f"{holder.get('pid', '(unknown)')}{serves}",
            fix="Stop that process, talk to it with --url, or choose another with --data.",
        )


_OTHER = "Choose another with --data, or give this user the right to write there."


def not_allowed(path: Path, what: str) -> StoreUnavailable:
    """The error that this user may not, and why: a read-only disk, or the directory's owner.

    Args:
        path: a directory.
        what: what was tried with it: ``read`` or ``written``.
    """
    if what == "written" and os.statvfs(path).f_flag & os.ST_RDONLY:
        return StoreUnavailable(
            "the data directory cannot be written: its disk is mounted read-only",
            where=str(path),
            fix="Mount it for writing, or copy the data to another disk and name it with --data.",
        )
    try:
        owner = f"; it belongs to {user_name(path.stat().st_uid)}"
    except OSError:
        owner = ""
    return StoreUnavailable(
        f"the data directory cannot be {what} by {user_name(os.geteuid())}{owner}",
        where=str(path),
        fix="Run the command as its owner, or name another directory with --data.",
    )


def user_name(number: int) -> str:
    """The name of a user of this machine, or its number."""
    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"the user with number {number}"


@contextmanager
def _runtime_directory(held: os.stat_result) -> Iterator[Path]:
    """A folder for sockets, named after the directory that is held.

    So the next holder of the same directory finds what a killed one left, without being told by a
    file. While a directory is held no other one on this machine has its device and number.
    """
    name = f"coprod-{os.geteuid()}-{held.st_dev:x}-{held.st_ino:x}"
    run = Path(tempfile.gettempdir(), name)
    try:
        run.mkdir(_OWNER_FOLDER)
    except FileExistsError:
        status = run.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
            shutil.rmtree(run)
            run.mkdir(_OWNER_FOLDER)
        else:  # another user took the name first
            run = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        yield run
    finally:
        shutil.rmtree(run, ignore_errors=True)


def write_durably(path: Path, content: bytes, mode: int = _OWNER_FILE) -> None:
    """Create or replace a file atomically, so that it survives a power loss.

    Args:
        path: where it is to be.
        content: all of its bytes.
        mode: who may read and write it, as far as the process allows.

    Raises:
        StoreFull: there is no room for it; what was there is still there.
        OSError: it cannot be written otherwise; what was there is still there.
    """
    # two threads may write the same bytes, which have one name, at the same moment
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        check_not_full(error, path)
        raise
    sync(path.parent)


def check_not_full(error: OSError, path: Path) -> None:
    """See that a failure to write a file is another than a full disk.

    Raises:
        StoreFull: there is no room for the file.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise _full(f"{path.name} does not fit on the disk", path.parent) from None


def check_room(folder: Path, size: int) -> None:
    """See that the disk of a folder holds so many bytes more, and what is always left free.

    A disk can be full of files, too, while there are bytes left.

    Raises:
        StoreFull: it does not.
    """
    needed, free = _RESERVE_BYTES + size, shutil.disk_usage(folder).free
    if free < needed:
        message = f"the change needs {needed >> 20} MiB of free disk, and {free >> 20} MiB are left"
        raise _full(message, folder)
    disk = os.statvfs(folder)
    if disk.f_files and disk.f_favail < _RESERVE_FILES:  # some file systems do not count files
        message = (
            f"the free disk holds {disk.f_favail} more files, and a change needs more (inodes)"
        )
        raise _full(message, folder)


def _full(what: str, folder: Path) -> StoreFull:
    return StoreFull(what, where=str(folder), fix="Free some space; reading goes on meanwhile.")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time change a file: hold the lock that lies beside it."""
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(_OWNER_FOLDER, exist_ok=True)
    lock = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, _OWNER_FILE)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def sync(path: Path) -> None:
    """Make the entries of a folder, or the bytes of a file, survive a power loss."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
