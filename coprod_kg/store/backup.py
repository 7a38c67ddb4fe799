"""Backup and restore of a data directory, while the service runs.

    DIR/
    ├── backup.json     version, base IRI, lineage, tags, and the SHA-256 of every file
    ├── store/          the newest version, as plain files
    ├── versions/N/     each other version that is kept because it has a tag or was cited
    ├── changes/        the things that each version changed
    ├── submissions/    the bytes that were submitted
    ├── tokens.json     the tokens, as hashes
    ├── private.json    the organisations whose data is private
    └── freshness.json  when each saved query was last run

A snapshot never changes, so a copy of it is whole even while the service commits. What versions
share is copied once, and linked.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from coprod_kg.errors import StoreError, VersionGone, WrongUsage
from coprod_kg.store.directory import DataDirectory, not_allowed, sync, write_durably
from coprod_kg.store.identity import Identity
from coprod_kg.store.snapshots import Snapshots

__all__ = ["back_up", "last_backup", "put_back", "restore"]

_INDEX: Final = "backup.json"
_STAMP: Final = "last-backup.json"
_BESIDE: Final = ("changes", "submissions", "tokens.json", "private.json", "freshness.json")


def back_up(directory: DataDirectory, base_iri: str, target: Path) -> int:
    """Copy the newest version, those with a tag or a citation, and what belongs to them.

    Args:
        directory: of a running service or of none.
        base_iri: the IRI its data is named under.
        target: a folder that does not exist yet.

    Returns:
        The newest version that was copied.

    Raises:
        WrongUsage: the target exists.
        StoreUnavailable: there is nothing to copy.
    """
    if target.exists():
        raise WrongUsage(f"{target} exists already", fix="Name a folder that does not exist yet.")
    directory.check_there()
    identity = Identity.read(directory.root)  # it is not copied if it is of a newer release
    snapshots = Snapshots(directory.snapshots)
    unfinished = target.with_name(f".{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(0o700)
    copier = _Copier()
    try:
        with ExitStack() as held:
            version = snapshots.current()
            held.callback(snapshots.open(version).close)
            tags, cited, kept = snapshots.tags(), list(snapshots.cited()), []
            for number in sorted({*tags.values(), *cited} - {version}):
                with suppress(VersionGone):  # room was made for later citations meanwhile
                    held.callback(snapshots.open(number).close)
                    kept.append(number)
            copier.copy(directory.snapshots / str(version), unfinished / "store")
            for number in kept:
                place = unfinished / "versions" / str(number)
                copier.copy(directory.snapshots / str(number), place)
        for name in _BESIDE:
            copier.copy(directory.root / name, unfinished / name)
    except PermissionError:
        raise not_allowed(directory.root, "read") from None
    there = {version, *kept}
    index = {
        "version": version,
        "base-iri": base_iri,
        "identity": identity.told(),
        "tags": {name: number for name, number in tags.items() if number in there},
        "cited": [number for number in cited if number in there],
        "files": _digests(unfinished),
    }
    write_durably(unfinished / _INDEX, json.dumps(index, indent=2).encode())
    for path in (unfinished / "store", unfinished):
        sync(path)
    unfinished.rename(target)
    _stamp(directory, version)
    return version


def last_backup(directory: DataDirectory) -> datetime | None:
    """When the newest copy of a directory was made, or None where none is known."""
    try:
        stamp = json.loads((directory.root / _STAMP).read_text(encoding="utf-8"))
        return datetime.fromisoformat(stamp["time"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stamp(directory: DataDirectory, version: int) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with suppress(OSError):  # the copy stands, also where this user may only read
        write_durably(
            directory.root / _STAMP, json.dumps({"time": now, "version": version}).encode()
        )


def restore(source: Path, directory: DataDirectory, base_iri: str) -> int:
    """Put a copy into an empty data directory, where its versions go on in a new lineage.

    Returns:
        The version that is there now.

    Raises:
        WrongUsage: the directory holds a store already, or the copy was made under another base
            IRI.
        StoreError: the copy is not whole.
        StoreUnavailable: a newer release made the copy, or the directory cannot be written.
        StoreInUse: a process uses the directory.
    """
    index, identity = _checked(source, base_iri)
    if directory.store.exists():
        raise WrongUsage(
            f"{directory.root} holds a store already",
            fix="Restore into an empty directory, and serve that one with --data.",
        )
    with directory.locked():
        return _put_back(source, index, identity, directory)


def put_back(source: Path, directory: DataDirectory, base_iri: str) -> int:
    """Do as `restore` does in a directory that this process holds, and that has no store."""
    return _put_back(source, *_checked(source, base_iri), directory)


def _put_back(
    source: Path, index: Mapping[str, Any], identity: Identity, directory: DataDirectory
) -> int:
    version: int = index["version"]
    copier = _Copier()
    for name in _BESIDE:
        copier.copy(source / name, directory.root / name)
    for path in (source / "versions").glob("[0-9]*"):
        copier.copy(path, directory.snapshots / path.name)
    snapshots = Snapshots(directory.snapshots)
    snapshots.keep_again(index.get("tags", {}), index.get("cited", ()))
    unfinished = directory.root / ".store.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    copier.copy(source / "store", unfinished)
    identity.branched(version).write(directory.root)
    for path in (unfinished, directory.snapshots):
        sync(path)
    unfinished.rename(directory.store)
    sync(directory.root)
    return version


_BEFORE_LINEAGES: Final = {"format": 1, "lineage": "", "ancestors": []}
"""The identity of a backup made by a release before lineages."""


def _checked(source: Path, base_iri: str) -> tuple[Mapping[str, Any], Identity]:
    """The index of a backup and its identity, once hashes, base IRI and format are checked."""
    try:
        index: dict[str, Any] = json.loads((source / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise WrongUsage(f"{source} is no backup: it has no readable {_INDEX}") from None
    digests = _digests(source)
    wrong = sorted(name for name, digest in index["files"].items() if digests.get(name) != digest)
    if wrong:
        raise StoreError(
            f"the copy is not whole: {wrong[0]} is missing or was changed",
            where=str(source),
            fix="Use another copy; nothing was restored.",
        )
    if index["base-iri"] != base_iri:
        raise WrongUsage(
            f"the copy names its data under {index['base-iri']}, not under {base_iri}",
            fix=f"Set the base IRI to {index['base-iri']}.",
        )
    return index, Identity.of(index.get("identity") or _BEFORE_LINEAGES, source)


class _Copier:
    """Copies files for their owner alone; of what versions share, one copy is linked."""

    def __init__(self) -> None:
        self._copied: dict[tuple[int, int], Path] = {}

    def copy(self, source: Path, target: Path) -> None:
        """Copy a file, or a folder with all that is in it; what is not there is left out."""
        if source.is_dir():
            target.mkdir(0o700, parents=True, exist_ok=True)
            for path in source.iterdir():
                if not path.name.startswith("."):  # a draft that is being written
                    self.copy(path, target / path.name)
        elif source.exists():
            self._file(source, target)

    def _file(self, source: Path, target: Path) -> None:
        status = source.stat()
        same = self._copied.get((status.st_dev, status.st_ino))
        target.unlink(missing_ok=True)
        if same is not None and source.suffix == ".sst":  # such a file of the engine never changes
            with suppress(OSError):  # a file system without links
                os.link(same, target)
                return
        made = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with source.open("rb") as read, os.fdopen(made, "wb") as written:
            shutil.copyfileobj(read, written)
            written.flush()
            os.fsync(written.fileno())
        self._copied[status.st_dev, status.st_ino] = target


def _digests(folder: Path) -> dict[str, str]:
    known: dict[tuple[int, int], str] = {}
    digests = {}
    for path, status in _files(folder):
        key = (status.st_dev, status.st_ino)
        if key not in known:
            with path.open("rb") as file:
                known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        digests[path.relative_to(folder).as_posix()] = known[key]
    return digests


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != _INDEX:
            yield path, path.stat()
