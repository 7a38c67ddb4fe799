"""An untrusted zip archive, its parts and their relations (Open Packaging Conventions).

Before anything is inflated every member's size, ratio, name and kind are checked from the table of
contents, and the sizes again while it is inflated: a table of contents may be forged.
"""

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

from coprod_kg.errors import TooLarge, Unreadable
from coprod_kg.workbook.markup import parse

__all__ = ["MOST_BYTES", "Package", "Relation", "content_types", "main_part", "relations"]

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
        inflated_size = sum(info.file_size for info in infos)
        if inflated_size > MOST_BYTES:
            raise _bomb(name, f"inflated it would have {inflated_size // 2**20} MB")
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


def _bomb(name: str, reason: str) -> TooLarge:
    return TooLarge(
        f"the archive is refused before it is inflated: {reason}",
        where=name,
        fix="Send the template filled in, without pictures and other sheets, or CSV files.",
    )


_TYPES: Final = "[Content_Types].xml"
_MOST_PART_BYTES: Final = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Relation:
    """Where a relationship leads.

    Attributes:
        kind: the last word of its type: ``worksheet``, ``styles``.
        path: the member of the archive.
    """

    kind: str
    path: str


def relations(package: Package, part: str) -> dict[str, Relation]:
    """The relationships of a part, or of the package as a whole (``""``), by their identifiers.

    Raises:
        Unreadable: they are no XML.
    """
    folder, name = posixpath.split(part)
    by_id: dict[str, Relation] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = unquote(attributes.get("Target", "").replace("\\", "/"))
            path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            kind = attributes.get("Type", "").rpartition("/")[2]
            by_id[attributes.get("Id", "")] = Relation(kind, _member(package, path))

    _parse(package, posixpath.join(folder, "_rels", f"{name}.rels"), start)
    return by_id


def main_part(package: Package) -> str | None:
    """The member that the package is about, or None where nothing says so.

    Raises:
        Unreadable: the relationships are no XML.
    """
    declared = (
        relation.path
        for relation in relations(package, "").values()
        if relation.kind == "officeDocument"
    )
    candidates = (*declared, "xl/workbook.xml")
    return next((path for path in candidates if path in package.members), None)


def content_types(package: Package, members: Iterable[str]) -> dict[str, str]:
    """The type of each member in small letters, or an empty text where none is declared.

    Raises:
        Unreadable: the list of types is no XML.
    """
    endings: dict[str, str] = {}
    parts: dict[str, str] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        kind = attributes.get("ContentType", "").lower()
        if name == "Default":
            endings[attributes.get("Extension", "").lower()] = kind
        elif name == "Override":
            parts[attributes.get("PartName", "").replace("\\", "/").lstrip("/").lower()] = kind

    _parse(package, _TYPES, start)
    return {
        member: parts.get(member.lower(), endings.get(member.rpartition(".")[2].lower(), ""))
        for member in members
    }


def _member(package: Package, path: str) -> str:
    """A member, however its capitals are written where it is named."""
    if path in package.members:
        return path
    return next((member for member in package.members if member.lower() == path.lower()), path)


def _parse(package: Package, path: str, start: Callable[[str, dict[str, str]], None]) -> None:
    path = _member(package, path)
    if path in package.members:
        handlers = (start, _nothing, _nothing)
        parse([package.read(path, _MOST_PART_BYTES)], handlers, f"{package.name}, {path}")


def _nothing(*_: object) -> None:
    """Take no notice."""
