"""A copy of all that cannot be made again, and the way back from it; it stops nobody.

    DIR/
    ├── backup.json     the version, the base IRI, and the SHA-256 of every file
    ├── store/          the newest snapshot, as plain files
    ├── submissions/    the bytes that were submitted
    ├── tokens.json     the tokens, as hashes
    ├── private.json    the organisations whose data is private
    └── freshness.json  when each saved query was last run

A snapshot never changes, so a copy of it is whole even while the service commits.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Final

from coprod_kg.errors import StoreError, WrongUsage
from coprod_kg.store.directory import DataDirectory, sync
from coprod_kg.store.identity import Identity
from coprod_kg.store.snapshots import Snapshots

__all__ = ["back_up", "restore"]

_INDEX: Final = "backup.json"
_BESIDE: Final = ("submissions", "tokens.json", "private.json", "freshness.json")


def back_up(directory: DataDirectory, base_iri: str, target: Path) -> int:
    """Copy the newest version and what belongs to it.

    Args:
        directory: of a running service or of none.
        base_iri: the IRI its data is named under.
        target: a folder that does not exist yet.

    Returns:
        The version that was copied.

    Raises:
        WrongUsage: the target exists.
        StoreUnavailable: there is nothing to copy.
    """
    if target.exists():
        raise WrongUsage(f"{target} exists already", fix="Name a folder that does not exist yet.")
    directory.check_there()
    Identity.read(directory.root)  # it is not copied if it is of a newer release
    snapshots = Snapshots(directory.snapshots)
    reader = snapshots.open(snapshots.current())
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(directory.snapshots / str(reader.version), unfinished / "store")
        _copy_beside(directory.root, unfinished)
    finally:
        reader.close()
    index = {"version": reader.version, "base-iri": base_iri, "files": _digests(unfinished)}
    (unfinished / _INDEX).write_text(json.dumps(index, indent=2), encoding="utf-8")
    for path in (unfinished / "store", unfinished):
        sync(path)
    unfinished.rename(target)
    return reader.version


def restore(source: Path, directory: DataDirectory, base_iri: str) -> int:
    """Put a copy into an empty data directory.

    Returns:
        The version that is there now.

    Raises:
        WrongUsage: the directory holds a store already, or the copy was made under another base
            IRI.
        StoreError: the copy is not whole.
        StoreInUse: a process uses the directory.
    """
    index = _index(source)
    if index["base-iri"] != base_iri:
        raise WrongUsage(
            f"the copy names its data under {index['base-iri']}, not under {base_iri}",
            fix=f"Set the base IRI to {index['base-iri']}.",
        )
    if directory.store.exists():
        raise WrongUsage(
            f"{directory.root} holds a store already",
            fix="Restore into an empty directory, and serve that one with --data.",
        )
    with directory.locked():
        _copy_beside(source, directory.root)
        unfinished = directory.root / ".store.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(source / "store", unfinished)
        sync(unfinished)
        unfinished.rename(directory.store)
        sync(directory.root)
    version: int = index["version"]
    return version


def _index(source: Path) -> dict[str, Any]:
    """What the copy says of itself, once it is seen to be true."""
    try:
        index: dict[str, Any] = json.loads((source / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise WrongUsage(f"{source} is no backup: it has no readable {_INDEX}") from None
    found = _digests(source)
    wrong = sorted(name for name, digest in index["files"].items() if found.get(name) != digest)
    if wrong:
        raise StoreError(
            f"the copy is not whole: {wrong[0]} is missing or was changed",
            where=str(source),
            fix="Use another copy; nothing was restored.",
        )
    return index


def _copy_beside(source: Path, target: Path) -> None:
    for name in _BESIDE:
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, dirs_exist_ok=True)
        elif (source / name).exists():
            shutil.copy2(source / name, target / name)


def _digests(folder: Path) -> dict[str, str]:
    digests = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != _INDEX:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            digests[path.relative_to(folder).as_posix()] = digest
    return digests
