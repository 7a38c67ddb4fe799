"""Immutable snapshots of the store, one for each version; it never changes one.

A reader holds a shared lock (``flock``) on the folder of the snapshot it has open. The kernel
drops the lock when the reader dies, so an old snapshot can go as soon as its last reader left.
"""

import fcntl
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pyoxigraph

from coprod_kg.errors import StoreUnavailable, VersionGone, WrongUsage
from coprod_kg.store.directory import sync

__all__ = ["Reader", "Snapshots"]

_CURRENT = "current"
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,59}")


@dataclass(slots=True)
class Reader:
    """One snapshot, open for reading until `close`."""

    version: int
    store: pyoxigraph.Store
    lock: int

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
        return cls(version, pyoxigraph.Store.read_only(str(path)), lock)

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
        return tuple(sorted(int(one.name) for one in self.folder.iterdir() if one.name.isdigit()))

    def tags(self) -> dict[str, int]:
        """The versions that have a name: name → version. They are always kept."""
        found = sorted(self._tags.iterdir()) if self._tags.is_dir() else []
        return {one.name: int(one.readlink().name) for one in found}

    def tag(self, version: int, name: str) -> None:
        """Give a version a name; it is kept from now on.

        Raises:
            WrongUsage: the name is taken, or holds other characters than it may.
            VersionGone: the version is not kept.
        """
        if not _TAG.fullmatch(name):
            raise WrongUsage(
                f"{name!r} is no name for a version",
                fix="Use up to 60 letters, digits, dots and hyphens, such as 2026-11 or v1.0.",
            )
        self._tags.mkdir(exist_ok=True)
        reader = self.open(version)  # while it is open, the version is not removed
        try:
            (self._tags / name).symlink_to(Path("..") / str(version))
        except FileExistsError:
            taken = self.tags()[name]
            raise WrongUsage(
                f"version {taken} has the name {name} already", fix="Choose another name."
            ) from None
        finally:
            reader.close()
        sync(self._tags)

    @property
    def views(self) -> Path:
        """Where versions lie as somebody sees them from whom data is hidden."""
        return self.folder / "views"

    @property
    def _tags(self) -> Path:
        return self.folder / "tags"

    def open(self, version: int) -> Reader:
        """Open a version for reading.

        Raises:
            VersionGone: it is not kept.
        """
        try:
            return Reader.of(version, self.folder / str(version))
        except FileNotFoundError:
            raise self._gone(version) from None

    def _gone(self, version: int) -> VersionGone:
        kept = self.versions()
        nearest = min(kept, key=lambda one: abs(one - version), default=None)
        return VersionGone(
            f"version {version} is not kept",
            where="parameter version",
            fix=f"The nearest version kept is {nearest}." if nearest is not None else None,
        )

    def publish(self, store: pyoxigraph.Store, version: int) -> None:
        """Take a snapshot of the store as it is now, and make it the current version."""
        self._remove_unfinished()
        target = self.folder / str(version)
        if not target.exists():
            unfinished = self.folder / f".unfinished-{version}"
            store.backup(str(unfinished))
            unfinished.rename(target)
        link = self.folder / f".link-{version}"
        link.unlink(missing_ok=True)
        link.symlink_to(target.name)
        link.rename(self.folder / _CURRENT)
        sync(self.folder)

    def withdraw(self, version: int) -> None:
        """Let a version be published anew, and made anew as some see it: its store has changed.

        What somebody reads at this moment stays as it is.
        """
        for path in (self.folder / str(version), *self.views.glob("[0-9]*-*")):
            if path.exists():
                self._retire(path)
        self._remove_unfinished()

    def prune(self, keep: int) -> None:
        """Remove all but the newest and the named, where nobody reads them any more."""
        for version in self.versions()[: -max(keep, 1)]:
            self._retire(self.folder / str(version))
        kept = {str(version) for version in self.versions()}
        for path in self.views.glob("[0-9]*-*"):
            if path.name.partition("-")[0] not in kept:
                self._retire(path)
        self._remove_unfinished()

    def _retire(self, path: Path) -> None:
        """Put a folder where it will be removed, unless somebody reads it or it has a name."""
        lock = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.name in {str(version) for version in self.tags().values()}:
                return  # looked at under the lock: whoever names a version holds it open
            path.rename(self.folder / f".unfinished-{path.name}")
        except BlockingIOError:
            return
        finally:
            os.close(lock)

    def _remove_unfinished(self) -> None:
        for path in self.folder.glob(".unfinished-*"):
            shutil.rmtree(path)
