"""The bytes of every accepted file, kept under their SHA-256; it never changes or removes one.

The store normalises numbers and forgets comments: these files are what was really sent.
"""

import os
from hashlib import sha256
from pathlib import Path

__all__ = ["keep"]


def keep(content: bytes, data: Path) -> Path:
    """Write the bytes so that they survive a power cut, unless they are kept already.

    Args:
        content: the bytes.
        data: the data directory.
    """
    folder = data / "submissions"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / sha256(content).hexdigest()
    if kept.exists():
        return kept
    draft = folder / f".{kept.name}.{os.getpid()}"
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(kept)
    _flush_names(folder)
    return kept


def _flush_names(folder: Path) -> None:
    """Make the new name itself survive."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
