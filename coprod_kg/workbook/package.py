"""An untrusted zip archive, checked from its table of contents before anything is inflated.

Every member's size, ratio, name and kind are checked from the table of contents, and the sizes
again while it is inflated: a table of contents may be forged.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final

from coprod_kg.errors import TooLarge, Unreadable

__all__ = ["MOST_BYTES", "Package"]

MOST_BYTES: Final = 512 * 2**20
"""The most bytes that all members may have together when inflated."""
_MOST_MEMBERS: Final = 2000
_MOST_RATIO: Final = 200
_SMALL: Final = 2**20
_CHUNK: Final = 2**18
_ENCRYPTED: Final = 0x1
_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
)
"""What the library raises over an archive that is none, or none any more."""


@dataclass(frozen=True)
class Package:
    """One archive whose table of contents was found in order.

    Attributes:
        name: what to call the file in an error.
        archive: the archive.
        members: the path of each member → what the table of contents says of it.
    """

    name: str
    archive: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]

    @classmethod
    def opened(cls, content: bytes, name: str) -> "Package":
        """Look at the table of contents.

        Raises:
            Unreadable: it is no zip, is encrypted, or a member's path leads out of it.
            TooLarge: it would grow beyond every reason.
        """
        try:
            archive = zipfile.ZipFile(BytesIO(content))
        except (
            zipfile.BadZipFile,
            ValueError,
            NotImplementedError,
            OSError,
            struct.error,
        ) as error:
            raise Unreadable(
                f"the archive is damaged: {error}",
                where=name,
                fix="Save or pack the file again; it may have been cut off on its way.",
            ) from None
        infos = [info for info in archive.infolist() if not _path(info).endswith("/")]
        if len(infos) > _MOST_MEMBERS:
            raise _bomb(name, f"it holds {len(infos)} files (at most {_MOST_MEMBERS})")
        for info in infos:
            _check_member(info, name)
        whole = sum(info.file_size for info in infos)
        if whole > MOST_BYTES:
            raise _bomb(name, f"inflated it would have {whole // 2**20} MB")
        members = {_path(info): info for info in infos}
        # Programs differ in which of two members of one name they read, so neither is taken.
        if len(members) < len(infos):
            raise Unreadable(
                "two members of the archive have the same name",
                where=name,
                fix="Pack the files again, each once.",
            )
        return cls(name, archive, members)

    def chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of a member in chunks.

        Raises:
            Unreadable: it is damaged.
            TooLarge: it is larger than the table of contents says.
        """
        info = self.members[path]
        size = 0
        try:
            with self.archive.open(info) as file:
                while chunk := file.read(_CHUNK):
                    size += len(chunk)
                    if size > info.file_size:
                        raise _bomb(self.name, f"{path} is larger than it says")
                    yield chunk
        except _BROKEN as error:
            raise self._damaged(path, error) from None

    def read(self, path: str, most: int) -> bytes:
        """A member's bytes in one piece.

        Raises:
            Unreadable: it is damaged.
            TooLarge: it has more than the bytes allowed.
        """
        if self.members[path].file_size > most:
            raise _bomb(self.name, f"{path} would have {self.members[path].file_size} bytes")
        return b"".join(self.chunks(path))

    def _damaged(self, path: str, error: Exception) -> Unreadable:
        return Unreadable(
            f"{path} in the archive is damaged: {error}",
            where=self.name,
            fix="Save or pack the file again; it may have been cut off on its way.",
        )


def _path(info: zipfile.ZipInfo) -> str:
    """The path of a member; some packers on Windows write backslashes."""
    return info.filename.replace("\\", "/")


def _check_member(info: zipfile.ZipInfo, name: str) -> None:
    path = PurePosixPath(_path(info))
    if path.is_absolute() or ".." in path.parts or ":" in info.filename:
        raise Unreadable(
            f"the path {info.filename!r} leads out of the archive",
            where=name,
            fix="Pack the files again from the folder that they are in.",
        )
    if info.flag_bits & _ENCRYPTED:
        raise Unreadable(
            "the archive is protected by a password",
            where=name,
            fix="Save it without a password.",
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable(
            f"{info.filename} is packed in a way that is not read here",
            where=name,
            fix="Pack the files again as an ordinary zip.",
        )
    if info.file_size > _SMALL and info.file_size > _MOST_RATIO * max(info.compress_size, 1):
        raise _bomb(name, f"{info.filename} would grow to {info.file_size // 2**20} MB")


def _bomb(name: str, why: str) -> TooLarge:
    return TooLarge(
        f"the archive is refused before it is inflated: {why}",
        where=name,
        fix="Send the template filled in, without pictures and other sheets, or CSV files.",
    )
