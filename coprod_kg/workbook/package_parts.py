"""Parts and relationships of an Office package (Open Packaging Conventions).

Names and folders are the writer's own: only the relationships say which part is which (ECMA-376,
part 2).
"""

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from coprod_kg.workbook.markup import parse
from coprod_kg.workbook.package import Package

__all__ = ["Relation", "content_types", "main_part", "relations"]

_TYPES: Final = "[Content_Types].xml"
_MOST: Final = 16 * 2**20


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
    found: dict[str, Relation] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = unquote(attributes.get("Target", "").replace("\\", "/"))
            path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = Relation(kind, _member(package, path))

    _parse(package, posixpath.join(folder, "_rels", f"{name}.rels"), start)
    return found


def main_part(package: Package) -> str | None:
    """The member that the package is about, or None where nothing says so.

    Raises:
        Unreadable: the relationships are no XML.
    """
    named = (
        relation.path
        for relation in relations(package, "").values()
        if relation.kind == "officeDocument"
    )
    known = (*named, "xl/workbook.xml")
    return next((path for path in known if path in package.members), None)


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
        parse([package.read(path, _MOST)], handlers, f"{package.name}, {path}")


def _nothing(*_: object) -> None:
    """Take no notice."""
