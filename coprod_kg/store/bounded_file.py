"""A file in memory that takes no more than some bytes."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["BoundedFile"]


class BoundedFile(io.BytesIO):
    """A file in memory for what is only wanted where it is short.

    Args:
        most_bytes: how long it becomes at most; a write beyond raises `OverflowError`.
    """

    def __init__(self, most_bytes: int) -> None:
        super().__init__()
        self._most_bytes = most_bytes

    def write(self, data: "ReadableBuffer", /) -> int:
        """Take some bytes.

        Raises:
            OverflowError: the file would be too long.
        """
        if self.tell() + len(memoryview(data)) > self._most_bytes:
            raise OverflowError
        return super().write(data)
