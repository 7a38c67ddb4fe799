"""The template as CSV files, one for each sheet."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Final

from coprod_kg.workbook.columns import EXPLANATIONS, Sheets
from coprod_kg.workbook.template.examples import example, neutral

__all__ = ["as_files", "readme"]

_SEMICOLON: Final = frozenset({"da", "de"})


def as_files(sheets: Sheets, language: str) -> dict[str, bytes]:
    """The files of the folder by name: UTF-8 with a mark, so that Excel knows it.

    Args:
        sheets: the sheets.
        language: the language of labels from lists; it also decides between comma and
            semicolon, as Excel does.
    """
    files = {
        member.file_name: _csv([_headers(member.columns), example(member, language)], language)
        for member in sheets.members
    }
    rows = [["List", "Code", "Label", "What it means"]] + [
        [choices.title, member.slug, member.label(language), member.definition(language)]
        for choices in sheets.choices.values()
        for member in choices.members
    ]
    files[f"{EXPLANATIONS.lower()}.csv"] = _csv(rows, language)
    files["read-me.txt"] = _text(sheets).encode("utf-8-sig")
    return files


def readme() -> list[str]:
    """The lines of the read-me; a heading begins with ``# ``."""
    path = Path(__file__).with_name("readme.txt")
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]


def _headers(columns: Iterable[object]) -> list[str]:
    return [
        f"{getattr(column, 'header', '')}{'*' if getattr(column, 'required', False) else ''}"
        for column in columns
    ]


def _csv(rows: Sequence[Sequence[str]], language: str) -> bytes:
    buffer = StringIO(newline="")
    separator = ";" if language in _SEMICOLON else ","
    writer = csv.writer(buffer, delimiter=separator, lineterminator="\r\n")
    writer.writerows([[neutral(cell) for cell in row] for row in rows])
    return buffer.getvalue().encode("utf-8-sig")


def _text(sheets: Sheets) -> str:
    lines: list[str] = []
    for line in readme():
        heading = line.startswith("# ")
        lines += ["", line.removeprefix("# ").upper()] if heading else [line]
    lines += ["", "FILES AND COLUMNS", "A * behind a header: needed in every row."]
    for sheet in sheets.members:
        lines += ["", f"{sheet.file_name}: {sheet.purpose}"]
        lines += [f"  {column.header}: {column.note}" for column in sheet.columns]
    return "\r\n".join(lines).lstrip() + "\r\n"
