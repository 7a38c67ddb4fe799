"""Bytes whose number is not known yet, kept on disk until it is; it never keeps half an answer."""

import tempfile
from collections.abc import Iterator
from typing import IO, Final

from coprod_kg.errors import LimitReached
from coprod_kg.store.base import Answer

__all__ = ["MOST_BYTES", "pieces", "spool"]

MOST_BYTES: Final = 8 * 1024**3
"""The largest answer that is kept on disk while it is sent."""
_IN_MEMORY: Final = 1024**2
_PIECE: Final = 256 * 1024


def spool(answer: Answer, most_bytes: int = MOST_BYTES) -> tuple[IO[bytes], int]:
    """Take the whole answer in, in constant memory, and free whoever computes it.

    Args:
        answer: one whose length is not known; it is closed here, whatever happens.
        most_bytes: the limit.

    Returns:
        A nameless temporary file, at its beginning, and the number of bytes in it.

    Raises:
        LimitReached: the answer is larger than the limit.
        CoprodError: whatever ended the answer midway.
    """
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller closes it
    length = 0
    try:
        with answer:
            for chunk in answer.chunks:
                length += len(chunk)
                if length > most_bytes:
                    raise LimitReached(
                        f"the answer is larger than {most_bytes} bytes",
                        fix="Ask for fewer rows at once, with LIMIT and OFFSET.",
                    )
                file.write(chunk)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file, length


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file in pieces; the file is closed at the end."""
    with file:
        while piece := file.read(_PIECE):
            yield piece
