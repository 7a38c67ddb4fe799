"""Files of whole versions for download: made once, by a process of their own, and kept.

``dumps/N-VIEW.nq.gz`` in the data directory, with its size and SHA-256 beside it as JSON. VIEW
stands for what is left out, so that data which becomes private is in no file any more.
"""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Final, cast

from coprod_kg.errors import LimitReached, StoreError
from coprod_kg.store.base import Hidden
from coprod_kg.store.directory import DataDirectory, locked, write_durably
from coprod_kg.store.dump import dump
from coprod_kg.store.snapshots import Snapshots
from coprod_kg.store.views import Views

__all__ = ["DUMPS", "DumpFile", "DumpFiles"]

DUMPS: Final = {"nq": "nquads", "trig": "trig"}
"""Suffix → what `coprod_kg.store.dump` calls it."""
_SECONDS: Final = 1800.0


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A file that is there."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DumpFiles:
    """The files of the versions of one data directory.

    Attributes:
        directory: the data directory.
        base_iri: where its graphs have their names.
        hidden: what is left out.
    """

    directory: DataDirectory
    base_iri: str
    hidden: Hidden

    def known(self, version: int, suffix: str) -> DumpFile | None:
        """A file, if it was made already."""
        path = self._path(version, suffix)
        try:
            told = json.loads(path.with_suffix(".json").read_bytes())
        except FileNotFoundError:
            return None
        return DumpFile(path, told["size"], told["sha256"]) if path.exists() else None

    def made(self, version: int, suffix: str) -> DumpFile:
        """A file, made now where it is not there: in another process, one at a time.

        Raises:
            LimitReached: it took too long.
            StoreError: it could not be made.
        """
        self.directory.dumps.mkdir(0o700, exist_ok=True)
        with locked(self.directory.dumps / "making"):
            found = self.known(version, suffix)
            if found is None:
                self._make(version, suffix)
                found = self.known(version, suffix)
        if found is None:
            raise StoreError(f"the file of version {version} could not be made")
        return found

    def _make(self, version: int, suffix: str) -> None:
        given = (self.directory.root, self.base_iri, version, suffix)
        command = [sys.executable, "-m", __name__, *map(str, given)]
        told = json.dumps(asdict(self.hidden)).encode()
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and module
                command, input=told, capture_output=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise LimitReached(
                f"the file of version {version} was not whole after {_SECONDS:g} seconds"
            ) from None
        if done.returncode:
            raise StoreError(
                f"the file of version {version} could not be made",
                fix=done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200],
            )

    def write(self, version: int, suffix: str) -> None:
        """Write a file; this is the other process.

        Raises:
            VersionGone: the version is not kept.
        """
        reader = Views(Snapshots(self.directory.snapshots), self.base_iri).open(
            version, self.hidden
        )
        path = self._path(version, suffix)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        with unfinished.open("wb") as raw:
            # without a time, so that the same version is the same bytes
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                dump(reader, DUMPS[suffix], cast("IO[bytes]", packed))
            raw.flush()
            os.fsync(raw.fileno())
        digest = sha256()
        with unfinished.open("rb") as raw:
            while piece := raw.read(1 << 20):
                digest.update(piece)
        size = unfinished.stat().st_size
        unfinished.rename(path)
        told = {"size": size, "sha256": digest.hexdigest()}
        write_durably(path.with_suffix(".json"), json.dumps(told).encode())

    def _path(self, version: int, suffix: str) -> Path:
        view = sha256("\n".join(self.hidden.graphs).encode()).hexdigest()[:8]
        return self.directory.dumps / f"{version}-{view}.{suffix}.gz"


def main(arguments: Sequence[str], told: bytes) -> None:
    """Write one file: data directory, base IRI, version, suffix; and as JSON what is left out."""
    root, base_iri, version, suffix = arguments
    said = json.loads(told)
    hidden = Hidden(tuple(said["graphs"]), said["record"], tuple(said["rules"]))
    files = DumpFiles(DataDirectory(Path(root)), base_iri, hidden)
    files.write(int(version), suffix)


if __name__ == "__main__":
    main(sys.argv[1:], sys.stdin.buffer.read())
