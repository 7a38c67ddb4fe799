"""The bytes of every accepted file, kept under their SHA-256; it never changes or removes one.

The store normalises numbers and forgets comments: these files are what was really sent.
"""

from hashlib import sha256
from pathlib import Path

from coprod_kg.store.directory import put

__all__ = ["keep"]


def keep(content: bytes, data: Path) -> Path:
    """Write the bytes so that they survive a power cut, unless they are kept already.

    Args:
        content: the bytes.
        data: the data directory.
    """
    folder = data / "submissions"
    folder.mkdir(0o700, parents=True, exist_ok=True)
    kept = folder / sha256(content).hexdigest()
    if kept.exists():
        return kept
    put(kept, content)
    return kept
