"""Format and lineage of a data directory.

A lineage is one sequence of version numbers. A backup that is restored starts another one,
because the numbers after it will stand for other data than they did before. Up to the
version of the copy both lineages are the same data, so older links go on answering.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from coprod_kg.errors import NotFound, StoreUnavailable, VersionGone
from coprod_kg.store.directory import not_allowed, write_durably

__all__ = ["FORMAT", "Identity"]

FORMAT: Final = 3
"""The format this release writes; `coprod_kg.store.upgrades` has a step to it from each older."""

_FILE: Final = "identity.json"
_OLDEST: Final = 1
"""The format of a data directory that has no such file."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The format and the lineage of one data directory.

    Attributes:
        format: how its files are arranged.
        lineage: eight hexadecimal digits, drawn by lot; empty before format 2.
        ancestors: each earlier lineage with the last version that it shares with this one, oldest
            first.
    """

    format: int
    lineage: str
    ancestors: tuple[tuple[str, int], ...] = ()

    @classmethod
    def new(cls) -> "Identity":
        """The identity of an empty directory."""
        return cls(FORMAT, secrets.token_hex(4))

    @classmethod
    def read(cls, root: Path) -> "Identity":
        """The identity that the directory's file states.

        Raises:
            StoreUnavailable: a newer release wrote it, or it cannot be read.
        """
        path = root / _FILE
        try:
            return cls.of(json.loads(path.read_text(encoding="utf-8")), root)
        except FileNotFoundError:
            return cls(_OLDEST, "")
        except PermissionError:
            raise not_allowed(root, "read") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreUnavailable(
                f"it cannot be read: {error}",
                where=str(path),
                fix="Put it back from a copy; the data is not safe to open without it.",
            ) from None

    @classmethod
    def of(cls, told: dict[str, Any], root: Path) -> "Identity":
        """The identity from the file's content.

        Raises:
            StoreUnavailable: a newer release wrote it.
        """
        if int(told["format"]) > FORMAT:
            raise StoreUnavailable(
                f"the data in {root} has format {told['format']}, and this release of coprod-kg "
                f"reads formats up to {FORMAT}",
                fix="Use the release that wrote it, or a newer one.",
            )
        ancestors = tuple((str(name), int(until)) for name, until in told["ancestors"])
        return cls(int(told["format"]), str(told["lineage"]), ancestors)

    def told(self) -> dict[str, Any]:
        """The file's content."""
        ancestors = [list(ancestor) for ancestor in self.ancestors]
        return {"format": self.format, "lineage": self.lineage, "ancestors": ancestors}

    def write(self, root: Path) -> None:
        """Write it so that it survives a power loss."""
        write_durably(root / _FILE, f"{json.dumps(self.told(), indent=1)}\n".encode())

    def check(self, lineage: str, versions: Iterable[int]) -> None:
        """Check that versions of a lineage are the same data as those of their numbers here.

        Args:
            lineage: the one that a request or a link names.
            versions: the numbers it names.

        Raises:
            NotFound: this data was never of that lineage.
            VersionGone: one was made after the copy from which this data goes on.
        """
        if lineage == self.lineage:
            return
        last = dict(self.ancestors).get(lineage)
        if last is None:
            raise NotFound(
                f"this data has no lineage {lineage[:40]!r}",
                where="parameter lineage",
                fix=f"That of its versions is {self.lineage}. The link may be of another service.",
            )
        for version in versions:
            if version > last:
                raise VersionGone(
                    f"version {version} of lineage {lineage} is gone: the data was restored from a "
                    f"copy of version {last}, and what was made after that was not in it",
                    where="parameter lineage",
                    fix=f"Version {version} of today is other data, in lineage {self.lineage}.",
                )

    def branched(self, version: int) -> "Identity":
        """The identity of a directory into which a backup of a version of this one is restored."""
        before = ((self.lineage, version),) if self.lineage else ()
        return replace(self, lineage=secrets.token_hex(4), ancestors=(*self.ancestors, *before))
