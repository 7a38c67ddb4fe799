"""Preparation of a workbook for openpyxl, and a list of the parts that openpyxl would lose.

Three things that other programs read stop openpyxl or leave it without a sheet: the namespaces of
"Strict Open XML", relationships to parts that are not there, and backslashes in the archive.
"""

import posixpath
import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Final

from coprod_kg.workbook.package import MOST_BYTES, Package, relations

__all__ = ["lost_parts", "openpyxl_bytes"]

_STRICT: Final = (
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main",
     b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"),
    (b"http://purl.oclc.org/ooxml/drawingml/", b"http://schemas.openxmlformats.org/drawingml/2006/"),
    (b"http://purl.oclc.org/ooxml/officeDocument/relationships",
     b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"),
    (b"http://purl.oclc.org/ooxml/officeDocument/extendedProperties",
     b"http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"),
    (b"http://purl.oclc.org/ooxml/officeDocument/customProperties",
     b"http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"),
    (b"http://purl.oclc.org/ooxml/officeDocument/docPropsVTypes",
     b"http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"),
    (b' conformance="strict"', b""),
)  # fmt: skip
_WRITTEN_AGAIN: Final = frozenset(
    {"officeDocument", "worksheet", "styles", "theme", "sharedStrings", "comments", "vmlDrawing"}
    | {"hyperlink", "table", "core-properties", "extended-properties", "custom-properties"}
)
_UNSEEN: Final = frozenset(
    {"calcChain", "printerSettings", "thumbnail", "customXml", "customXmlProps", "sheetMetadata"}
    | {"classificationlabels", "externalLink", "externalLinkPath", "volatileDependencies"}
)
"""What a reader of the sheets never sees, and links that are cut on purpose."""
_PART_NAMES: Final = {
    "chart": "charts",
    "chartsheet": "charts",
    "chartUserShapes": "charts",
    "image": "pictures",
    "pivotTable": "pivot tables",
    "pivotCacheDefinition": "pivot tables",
    "pivotCacheRecords": "pivot tables",
    "slicer": "slicers",
    "slicerCache": "slicers",
    "ctrlProp": "form controls",
    "control": "controls",
    "oleObject": "embedded files",
    "package": "embedded files",
    "threadedComment": "comments in threads",
    "person": "comments in threads",
    "drawing": "drawings",
    "vbaProject": "macros",
    "queryTable": "data connections",
    "connections": "data connections",
}
_RELATIONSHIP: Final = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>(?:</(?:\w+:)?Relationship>)?")
_ID: Final = re.compile(rb"""\bId=["']([^"']+)["']""")


def lost_parts(package: Package) -> list[str]:
    """The parts of a workbook that openpyxl would lose, in words.

    A kind of part that is not known here counts as lost.
    """
    losses: list[str] = []
    for path in package.members:
        if not path.endswith(".rels"):
            continue
        for relation in relations(package, _owner(path)).values():
            if relation.path not in package.members or relation.kind in _WRITTEN_AGAIN | _UNSEEN:
                continue
            if relation.kind == "drawing" and b"Anchor" not in package.read(
                relation.path, MOST_BYTES
            ):
                continue  # an empty one, as R's openxlsx puts on every sheet
            losses.append(_PART_NAMES.get(relation.kind, f"parts of the kind {relation.kind!r}"))
    return losses


def openpyxl_bytes(package: Package) -> bytes:
    """The same workbook in the form that openpyxl takes."""
    buffer = BytesIO()
    missing_ids: dict[str, set[bytes]] = {}
    parts = {path: package.read(path, MOST_BYTES) for path in package.members}
    for path in (member for member in parts if member.endswith(".rels")):
        relations_here = relations(package, _owner(path))
        missing = {
            key.encode() for key, relation in relations_here.items() if relation.path not in parts
        }
        if missing:
            missing_ids[_owner(path)] = missing
            parts[path] = _RELATIONSHIP.sub(_without(missing), parts[path])
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, part in parts.items():
            for identifier in missing_ids.get(path, ()):
                part = re.sub(
                    rb"<[\w:]+ [^<>]*:id=\"" + re.escape(identifier) + rb"\"[^<>]*/>", b"", part
                )
            if path.endswith((".xml", ".rels")) and b"purl.oclc.org/ooxml" in part:
                for strict, usual in _STRICT:
                    part = part.replace(strict, usual)
            archive.writestr(path, part)
    return buffer.getvalue()


def _without(missing: set[bytes]) -> Callable[[re.Match[bytes]], bytes]:
    """A function that removes the relationships that lead nowhere."""

    def replacement(match: re.Match[bytes]) -> bytes:
        identifier = _ID.search(match[0])
        return b"" if identifier and identifier[1] in missing else match[0]

    return replacement


def _owner(path: str) -> str:
    """The part whose relationships a member holds."""
    folder, name = posixpath.split(path)
    return posixpath.join(posixpath.dirname(folder), name.removesuffix(".rels"))
