"""Data directories that several tests begin with: made once in a run, then copied.

Each worker of pytest-xdist is a process of its own; the first that needs a directory makes it.
"""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

__all__ = ["Prepared"]


class Prepared:
    """Directories by name, in a folder that the workers of one run share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copy(self, name: str, make: Callable[[Path], None], target: Path) -> Path:
        """A copy of a directory, which is made by ``make`` where nobody has made it yet."""
        made = self._folder / name
        self._folder.mkdir(exist_ok=True)
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                making = self._folder / f"{name}.{os.getpid()}"
                shutil.rmtree(making, ignore_errors=True)
                make(making)
                making.rename(made)
        return shutil.copytree(made, target, symlinks=True)
