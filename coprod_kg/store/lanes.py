"""Lanes of query workers: in each, one worker serves and the others stand by.

The processes of a lane share a file, and the one that has locked it (``flock``) serves. One whose
query takes long leaves the lane to the next, so that short queries do not wait behind it; the
kernel does the same for one that dies.
"""

import fcntl
import os
from pathlib import Path

__all__ = ["Lane"]


class Lane:
    """One process's place in a lane."""

    def __init__(self, path: Path) -> None:
        """Join the lane; `serve` waits for its turn."""
        # Opened by each process itself: `flock` belongs to the open file, so an inherited
        # descriptor would share the lock instead of waiting for it.
        self._file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        self._serving = False

    @property
    def serving(self) -> bool:
        """Whether this process is the one that serves."""
        return self._serving

    def serve(self) -> None:
        """Wait until it is this process's turn."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._serving = True

    def leave(self) -> None:
        """Let another serve."""
        if self._serving:
            self._serving = False
            fcntl.flock(self._file, fcntl.LOCK_UN)
