"""The ontology's changelog, parsed from its Markdown."""

import re
from dataclasses import dataclass
from typing import Final

from coprod_kg.model.files import files

__all__ = ["Piece", "Release", "changelog", "changelog_text"]

_CODE: Final = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text, as prose or as code."""

    text: str
    code: bool


@dataclass(frozen=True, slots=True)
class Release:
    """One version.

    Attributes:
        version: its number.
        words: what is said of it as a whole.
        changes: what changed.
    """

    version: str
    words: tuple[tuple[Piece, ...], ...]
    changes: tuple[tuple[Piece, ...], ...]


def changelog_text() -> str:
    """The file as it is."""
    return (files("ontology") / "CHANGELOG.md").read_text(encoding="utf-8")


def changelog() -> tuple[Release, ...]:
    """Every version, newest first as in the file."""
    _, *parts = re.split(r"^## +", changelog_text(), flags=re.MULTILINE)
    return tuple(_release(part) for part in parts)


def _release(part: str) -> Release:
    version, _, rest = part.partition("\n")
    blocks: list[tuple[bool, list[str]]] = []
    for line in rest.splitlines():
        if line.startswith("- "):
            blocks.append((True, [line[2:]]))
        elif not line.strip():
            blocks.append((False, []))
        elif blocks:
            blocks[-1][1].append(line.strip())
    pieces = [(listed, _pieces(" ".join(lines))) for listed, lines in blocks if lines]
    return Release(
        version.strip(),
        tuple(piece for listed, piece in pieces if not listed),
        tuple(piece for listed, piece in pieces if listed),
    )


def _pieces(text: str) -> tuple[Piece, ...]:
    parts = enumerate(_CODE.split(text))
    return tuple(Piece(part, bool(place % 2)) for place, part in parts if part)
