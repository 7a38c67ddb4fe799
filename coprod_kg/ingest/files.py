"""Archive of every accepted file, by the SHA-256 of its bytes, in the data directory.

The store normalises numbers and drops comments, so only these bytes prove what was sent: never
change or remove one.
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
