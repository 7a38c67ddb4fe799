"""Immutable snapshots of the store, one for each version: publication, tags, retention.

A reader holds a shared lock (``flock``) on the folder of the snapshot it has open. The kernel
drops the lock when the reader dies, so an old snapshot can go as soon as its last reader left.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyoxigraph

from coprod_kg.errors import CoprodError, NotFound, StoreUnavailable, VersionGone, WrongUsage
from coprod_kg.store.base import Retention
from coprod_kg.store.directory import check_not_full, sync

__all__ = ["Reader", "Snapshots"]

_CURRENT = "current"
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,59}")


@dataclass(slots=True)
class Reader:
    """One snapshot, open for reading until `close`.

    Attributes:
        version: its number.
        store: the engine's, read-only.
        lock: the descriptor of its folder, which holds the shared lock.
        path: that folder.
    """

    version: int
    store: pyoxigraph.Store
    lock: int
    path: Path

    @classmethod
    def of(cls, version: int, path: Path) -> Self:
        """Open the folder of a snapshot.

        Raises:
            FileNotFoundError: it is not there, or not any more.
        """
        lock = os.open(path, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_SH)
        if not path.exists():  # removed between the opening and the lock
            os.close(lock)
            raise FileNotFoundError(path)
        return cls(version, pyoxigraph.Store.read_only(str(path)), lock, path)

    def close(self) -> None:
        """Leave the snapshot, so that it may be removed."""
        del self.store
        os.close(self.lock)


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshots below one folder."""

    folder: Path

    def current(self) -> int:
        """The newest version.

        Raises:
            StoreUnavailable: nothing is published yet.
        """
        try:
            return int(os.readlink(f"{self.folder}/{_CURRENT}"))
        except FileNotFoundError:
            raise StoreUnavailable(
                "the store has published no version yet", fix="Try again in a moment."
            ) from None

    def versions(self) -> tuple[int, ...]:
        """Every version that is kept, oldest first."""
        return tuple(
            sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdigit())
        )

    def size(self, version: int) -> int:
        """Bytes of a version's files."""
        return sum(file.stat().st_size for file in (self.folder / str(version)).iterdir())

    def tags(self) -> dict[str, int]:
        """The versions that have a name: name → version. They are always kept."""
        links = sorted(self._tags.iterdir()) if self._tags.is_dir() else []
        return {link.name: int(link.readlink().name) for link in links}

    def tag(self, version: int, name: str) -> None:
        """Give a version a name; it is kept from now on.

        Raises:
            WrongUsage: the name is taken, or holds other characters than it may.
            NotFound: there is no such version yet.
            VersionGone: the version is not kept.
            StoreFull: the disk has no room for the name.
        """
        _check_name(name)
        with self._holding(version):
            self._name(version, name)

    def _name(self, version: int, name: str) -> None:
        link = self._tags / name
        try:
            self._tags.mkdir(0o700, exist_ok=True)
            link.symlink_to(Path("..") / str(version))
        except FileExistsError:
            taken = self.tags()[name]
            raise WrongUsage(
                f"version {taken} has the name {name} already", fix="Choose another name."
            ) from None
        except OSError as error:
            check_not_full(error, link)
            raise
        sync(self._tags)

    def cited(self) -> tuple[int, ...]:
        """The versions that were cited and are kept for that; the one cited last at the end."""
        found = []
        for path in self._cited.glob("[0-9]*"):
            with suppress(FileNotFoundError):  # room was made for later ones meanwhile
                found.append((path.stat().st_mtime_ns, int(path.name)))
        return tuple(version for _, version in sorted(found))

    def cite(self, version: int) -> None:
        """Note that a version was cited now; it is kept until enough others were cited after it.

        Raises:
            NotFound: there is no such version yet.
            VersionGone: it is not kept.
        """
        with self._holding(version):
            self._note(version)

    def _note(self, version: int) -> None:
        self._cited.mkdir(0o700, exist_ok=True)
        path = self._cited / str(version)
        path.touch(0o600)
        sync(self._cited)

    def kept(self, version: int) -> Retention:
        """Why a version is kept."""
        names = tuple(name for name, tagged in self.tags().items() if tagged == version)
        cited = self.cited()
        later = len(cited) - 1 - cited.index(version) if version in cited else None
        return Retention(names, later, max(0, self.current() - version))

    def keep_again(self, tags: Mapping[str, int], cited: Iterable[int]) -> None:
        """Give versions the names and the citations that they had where a copy was made.

        Raises:
            WrongUsage: a name is none, or taken.
        """
        for name, version in tags.items():
            _check_name(name)
            self._name(int(version), name)
        for version in cited:
            self._note(int(version))
            os.utime(self._cited / str(int(version)))

    @contextmanager
    def _holding(self, version: int) -> Iterator[None]:
        """Keep a version from being removed meanwhile.

        Raises:
            NotFound: there is no such version yet.
            VersionGone: it is not kept.
        """
        path = self.folder / str(version)
        try:
            lock = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            raise self._gone(version) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            if not path.exists():  # removed between the opening and the lock
                raise self._gone(version)
            yield
        finally:
            os.close(lock)

    @property
    def views(self) -> Path:
        """The folder of the versions from which some data is hidden (`coprod_kg.store.views`)."""
        return self.folder / "views"

    @property
    def _tags(self) -> Path:
        return self.folder / "tags"

    @property
    def _cited(self) -> Path:
        return self.folder / "cited"

    def open(self, version: int) -> Reader:
        """Open a version for reading.

        Raises:
            NotFound: there is no such version yet.
            VersionGone: it is not kept.
        """
        try:
            return Reader.of(version, self.folder / str(version))
        except FileNotFoundError:
            raise self._gone(version) from None

    @property
    def compacted(self) -> Path:
        """The folder of compacted copies (`coprod_kg.store.compaction`)."""
        return self.folder / "compacted"

    def compacted_copy(self, version: int) -> Path:
        """Where the compacted copy of a version is, if there is one.

        Its name holds when the version was made, since one that was withdrawn is made anew.

        Raises:
            FileNotFoundError: the version is not kept.
        """
        made = os.stat(f"{self.folder}/{version}").st_mtime_ns  # each query asks
        return self.compacted / f"{version}-{made}"

    def open_for_queries(self, version: int) -> Reader:
        """Open the compacted copy of a version where there is one, else as `open` does.

        The copy does not keep the version itself from being removed.
        """
        with suppress(FileNotFoundError):
            return Reader.of(version, self.compacted_copy(version))
        return self.open(version)

    def is_outdone(self, reader: Reader) -> bool:
        """Whether a version has a compacted copy since it was opened."""
        if reader.path.parent != self.folder:
            return False
        try:
            return self.compacted_copy(reader.version).exists()
        except FileNotFoundError:
            return False

    def _gone(self, version: int) -> CoprodError:
        """The error for a version that is not there: not any more, or not yet."""
        if version > (newest := self.current()):
            return NotFound(
                f"there is no version {version} yet",
                where="parameter version",
                fix=f"The newest version is {newest}.",
            )
        kept = self.versions()
        nearest = min(kept, key=lambda other: abs(other - version), default=None)
        return VersionGone(
            f"version {version} is not kept",
            where="parameter version",
            fix=f"The nearest version kept is {nearest}." if nearest is not None else None,
        )

    def publish(
        self,
        store: pyoxigraph.Store,
        version: int,
        announce: Callable[[int], object],
    ) -> None:
        """Take a snapshot of the store as it is now, and make it the current version.

        Args:
            store: the store, open for writing.
            version: the number of the snapshot.
            announce: called in between, when it can be opened and nobody is given it yet.
        """
        self._remove_unfinished()
        target = self.folder / str(version)
        if not target.exists():
            unfinished = self.folder / f".unfinished-{version}"
            store.backup(str(unfinished))
            unfinished.rename(target)
        announce(version)
        link = self.folder / f".link-{version}"
        link.unlink(missing_ok=True)
        link.symlink_to(target.name)
        link.rename(self.folder / _CURRENT)
        sync(self.folder)

    def withdraw(self, version: int) -> None:
        """Let a version and its views be published anew, because its store has changed.

        `upgrades` change the store so between commits, and the version keeps its number. Open
        readers keep what they read.
        """
        for path in (self.folder / str(version), *self.views.glob("[0-9]*-*")):
            if path.exists():
                self._retire(path, None)
        self._remove_unfinished()

    def prune(self, keep: int, keep_cited: int) -> None:
        """Remove versions that are not being read: all but the newest, the tagged and the cited.

        Args:
            keep: how many of the newest stay.
            keep_cited: how many of those cited last stay.
        """
        for version in self.versions()[: -max(keep, 1)]:
            self._retire(self.folder / str(version), keep_cited)
        kept = {str(version) for version in self.versions()}
        for path in self.views.glob("[0-9]*-*"):
            if path.name.partition("-")[0] not in kept:
                self._retire(path, keep_cited)
        newest = str(self.current())
        for path in self.compacted.glob("[0-9]*-*"):
            if path.name.partition("-")[0] != newest:
                self._retire(path, None)
        for path in self._cited.glob("[0-9]*"):
            if path.name not in kept:
                path.unlink()
        self._remove_unfinished()

    def _retire(self, path: Path, keep_cited: int | None) -> None:
        """Move a folder to where it will be removed, unless a reader holds its lock.

        Args:
            path: of a version or a view.
            keep_cited: how many of the versions cited last stay, beside those that have a name;
                None for what is made anew when it is wanted, so that neither is looked at.
        """
        lock = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Looked at under the lock: a process that tags or cites a version holds it meanwhile.
            if keep_cited is None or path.name not in map(str, self._wanted(keep_cited)):
                path.rename(self.folder / f".unfinished-{path.name}")
        except BlockingIOError:
            return
        finally:
            os.close(lock)

    def _wanted(self, keep_cited: int) -> set[int]:
        cited = self.cited()
        return {*self.tags().values(), *cited[max(0, len(cited) - keep_cited) :]}

    def _remove_unfinished(self) -> None:
        for path in self.folder.glob(".unfinished-*"):
            shutil.rmtree(path)


def _check_name(name: str) -> None:
    if not _TAG.fullmatch(name):
        raise WrongUsage(
            f"{name!r} is no name for a version",
            fix="Use up to 60 letters, digits, dots and hyphens, such as 2026-11 or v1.0.",
        )
