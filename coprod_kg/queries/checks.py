"""Loader of the checks: queries whose every row is a fault in the data.

A file is plain SPARQL below two header lines, ``#+ problem: …`` and ``#+ solution: …``. Its rows
name the thing, the property and the value that offend, and the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coprod_kg.errors import ModelError
from coprod_kg.model.files import files

__all__ = ["SavedCheck", "load_checks"]

_ENDING = "-violation"


@dataclass(frozen=True, slots=True)
class SavedCheck:
    """One check.

    Attributes:
        name: the rule that it checks, such as ``disjoint-classes``.
        problem: what a row of its answer means, for people.
        solution: what to do about it.
        text: the file's whole text, SPARQL that runs as it stands.
    """

    name: str
    problem: str
    solution: str
    text: str


def load_checks(folder: Path | None = None) -> tuple[SavedCheck, ...]:
    """Every check of a folder, by name.

    Args:
        folder: where the ``RULE-violation.rq`` files are; the model's own by default.

    Raises:
        ModelError: a file has no problem or no solution in its header; names it.
    """
    folder = folder or files("queries") / "checks"
    return tuple(_read_check(path) for path in sorted(folder.glob(f"*{_ENDING}.rq")))


def _read_check(path: Path) -> SavedCheck:
    text = path.read_text(encoding="utf-8")
    header = dict(_header(text))
    missing = [key for key in ("problem", "solution") if not header.get(key)]
    if missing:
        raise ModelError(f"{path}:1: the header has no {' and no '.join(missing)}")
    return SavedCheck(path.stem.removesuffix(_ENDING), header["problem"], header["solution"], text)


def _header(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line.startswith("#+"):
            key, _, value = line.removeprefix("#+").partition(":")
            yield key.strip(), value.strip()
