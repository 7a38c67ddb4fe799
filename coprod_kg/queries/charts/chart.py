"""Vega-Lite specification of a saved query's chart, from its template and the rows.

The chart of ``queries/questions/NAME.rq`` is ``NAME.vl.json``: Vega-Lite without rows, title and
theme, which are the same for all and are put in here.
"""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final

from coprod_kg.errors import ModelError, NotFound
from coprod_kg.formats.drawing import CONFIG, png, svg
from coprod_kg.formats.table import Cell, Table
from coprod_kg.model.files import files
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.caveat import caveat
from coprod_kg.queries.charts import captions
from coprod_kg.queries.labels import text_in
from coprod_kg.queries.library import SavedQuery, read
from coprod_kg.queries.suppression import MARK

__all__ = [
    "MOST_CATEGORIES",
    "described",
    "encodings",
    "has_chart",
    "png",
    "specification",
    "svg",
    "template",
]

MOST_CATEGORIES: Final = 60
"""How many different values one axis shows; a chart with more says so."""

_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v5.json"
_DISCRETE: Final = ("nominal", "ordinal")
_PLACES: Final = ("x", "y", "row", "column", "color")
_WHOLE_TICKS: Final = {"expr": "max(1, min(6, floor(domain('x')[1])))"}
"""No more ticks than the axis is long: half of one is no count. (The property ``tickMinStep`` is
lost as the engine merges the axes of layers.)"""
_NO_ROW: Final = "No data: the question has no row here, which is not the same as zero."
_ALL_WITHHELD: Final = "Every count here is withheld, as small counts could tell of persons."
_ONLY_FIRST: Final = (
    "Only the first {first} of {all} ({called}) are drawn, in the order of the table, which has "
    "them all."
)
_LINE: Final = 68

_Rows = Sequence[Mapping[str, Cell]]


def has_chart(query: SavedQuery | str, own_folder: Path | None = None) -> bool:
    """Whether a chart lies beside a saved query, or was submitted for it.

    Args:
        query: the query, or the name of one that is in a file.
        own_folder: the folder of a person's own queries, which go before the model's.
    """
    return _chart_beside(query, own_folder) is not None


def template(query: SavedQuery | str, own_folder: Path | None = None) -> dict[str, Any]:
    """The chart of a saved query, without rows.

    Raises:
        NotFound: there is none.
        ModelError: it is not JSON.
    """
    chart = _chart_beside(query, own_folder)
    if chart is None:
        name = query if isinstance(query, str) else query.name
        raise NotFound(
            f"the question {name} has no chart",
            fix="Take it as a table: .csv, .xlsx or .json. Charts lie beside their query as "
            f"{name}.vl.json.",
        )
    return deepcopy(chart)


def specification(
    query: SavedQuery | str,
    table: Table,
    own_folder: Path | None = None,
    claims: tuple[int, int] | None = None,
    language: str = "",
) -> dict[str, Any]:
    """The whole chart: rows, title, description and theme in.

    Args:
        query: the saved query, or the name of one of the model's.
        table: its rows.
        own_folder: the folder of a person's own queries.
        claims: how many claims in the dataset are secondary coding, and how many there are.
        language: the reader's; empty for English.

    Raises:
        NotFound: the query has no chart.
    """
    saved = _model_query(query) if isinstance(query, str) else query
    spec = captions.in_language(template(saved, own_folder), language)
    _name_axes(spec, saved, language)
    rows, notes = _drawn_rows(spec, saved, table, (claims, language))
    if all(_is_withheld(row) for row in rows):
        no_data_note = (
            text_in(_ALL_WITHHELD, language) if table.rows else text_in(_NO_ROW, language)
        )
        spec = _no_data(no_data_note)
    title = spec.get("title")
    subtitle = title.get("subtitle") if isinstance(title, dict) else None
    notes_below = [*([subtitle] if isinstance(subtitle, str) else []), *notes]
    spec["title"] = {"text": textwrap.wrap(saved.asked_in(language)[0], _LINE)} | (
        {"subtitle": [line for note in notes_below for line in textwrap.wrap(note, _LINE + 24)]}
        if notes_below
        else {}
    )
    spec["description"] = captions.text_alternative(saved, rows, notes, language)
    _mark_withheld(spec, rows)
    spec["data"] = {"name": "rows", "values": [_row(row) for row in rows] or [{}]}
    return {"$schema": _SCHEMA, **spec, "config": CONFIG}


def described(
    query: SavedQuery,
    table: Table,
    own_folder: Path | None = None,
    claims: tuple[int, int] | None = None,
    language: str = "",
) -> str:
    """The text alternative of a chart, the same words as in the chart itself.

    Args:
        query: the saved query.
        table: its rows.
        own_folder: the folder of a person's own queries.
        claims: as for `specification`.
        language: as for `specification`.

    Raises:
        NotFound: the query has no chart.
    """
    spec = captions.in_language(template(query, own_folder), language)
    _name_axes(spec, query, language)
    return captions.text_alternative(
        query, *_drawn_rows(spec, query, table, (claims, language)), language
    )


def encodings(spec: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every channel of a chart and of its layers: its name, and what it is bound to."""
    for channel, channel_bindings in spec.get("encoding", {}).items():
        for binding in (
            channel_bindings if isinstance(channel_bindings, list) else [channel_bindings]
        ):
            yield channel, binding
    yield from spec.get("facet", {}).items()
    for layer in spec.get("layer", ()):
        yield from encodings(layer)
    if isinstance(spec.get("spec"), dict):
        yield from encodings(spec["spec"])


def _chart_beside(query: SavedQuery | str, own_folder: Path | None) -> dict[str, Any] | None:
    if isinstance(query, str):
        return _template(_path(query, own_folder))
    if query.submitted is None:
        return _template(_path(query.name, own_folder))
    chart: dict[str, Any] | None = json.loads(query.submitted.chart or "null")
    return chart


def _path(name: str, own_folder: Path | None) -> Path:
    is_own = own_folder is not None and (own_folder / f"{name}.rq").is_file()
    folder = own_folder if own_folder is not None and is_own else files("queries") / "questions"
    return folder / f"{name}.vl.json"


@cache
def _template(path: Path) -> dict[str, Any] | None:
    try:
        chart = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ModelError(f"{path}: this is not JSON: {error}") from None
    if not isinstance(chart, dict):
        raise ModelError(f"{path}: this is not a Vega-Lite chart")
    return chart


@cache
def _model_query(name: str) -> SavedQuery:
    path = files("queries") / "questions" / f"{name}.rq"
    if not path.is_file():
        raise NotFound(f"there is no saved query {name!r}")
    return read(path, schemes())


def _row(row: Mapping[str, Cell]) -> dict[str, object]:
    """A row of the chart's data: a withheld count is null, and ``missing`` says why."""
    withheld = {name: "c" for name, cell in row.items() if cell.is_suppressed}
    values = {name: None if name in withheld else _value(cell) for name, cell in row.items()}
    return values | ({"missing": withheld} if withheld else {})


def _is_withheld(row: Mapping[str, Cell]) -> bool:
    return any(cell.is_suppressed for cell in row.values())


def _mark_withheld(spec: Mapping[str, Any], rows: _Rows) -> None:
    """Let a chart that writes its figures write the mark where one is withheld."""
    if any(_is_withheld(row) for row in rows):
        for channel, binding in encodings(spec):
            if channel == "text" and "field" in binding:
                binding["condition"] = {"test": "isValid(datum.missing)", "value": MARK}


def _value(cell: Cell) -> object:
    """A number as a number, a truth value as one, all else (dates too) as text."""
    if cell.is_truth:
        return cell.value in ("true", "1")
    if not cell.is_number:
        return cell.value
    try:
        number = float(cell.value)
    except ValueError:
        return cell.value
    if number != number or number in (float("inf"), float("-inf")):
        return cell.value
    return int(number) if number.is_integer() else number


def _name_axes(spec: Mapping[str, Any], query: SavedQuery, language: str) -> None:
    columns_by_name = {column.name: column for column in query.columns}
    for channel, binding in encodings(spec):
        name = binding.get("field")
        if channel in ("x", "y") and binding.get("type") == "quantitative":
            binding["axis"] = {"tickCount": _WHOLE_TICKS} | binding.get("axis", {})
        if channel not in _PLACES or name not in columns_by_name or "title" in binding:
            continue
        binding["title"] = columns_by_name[name].heading_in(language)


def _drawn_rows(
    spec: Mapping[str, Any],
    query: SavedQuery,
    table: Table,
    claims_and_language: tuple[tuple[int, int] | None, str],
) -> tuple[_Rows, list[str]]:
    """The rows that are drawn, and the notes about them.

    Args:
        spec: the chart.
        query: its saved query.
        table: all rows.
        claims_and_language: how many claims are secondary coding, of how many; and the language.
    """
    rows, notes = _first_categories(spec, table.rows, claims_and_language[1])
    note = caveat(table, *claims_and_language, has_headings=True)
    notes += [note] if note else []
    withheld = sum(_is_withheld(row) for row in rows)
    return rows, notes + captions.notes(query, rows, withheld, claims_and_language[1])


def _first_categories(
    spec: Mapping[str, Any], rows: _Rows, language: str
) -> tuple[_Rows, list[str]]:
    """The rows of the first categories of each axis, each category whole, and a note about it."""
    notes = []
    for channel, binding in encodings(spec):
        name = binding.get("field")
        if channel not in _PLACES or binding.get("type") not in _DISCRETE or name is None:
            continue
        values = dict.fromkeys(row[name].value for row in rows if name in row)
        if len(values) > MOST_CATEGORIES:
            kept_values = set(list(values)[:MOST_CATEGORIES])
            rows = [row for row in rows if name in row and row[name].value in kept_values]
            axis_name = str(binding.get("title", name))
            axis_name = axis_name if language == "de" else axis_name.lower()
            notes.append(
                text_in(_ONLY_FIRST, language).format(
                    first=MOST_CATEGORIES, all=len(values), called=axis_name
                )
            )
    return rows, notes


def _no_data(note: str) -> dict[str, Any]:
    return {
        "width": 480,
        "height": 48,
        "view": {"stroke": None},
        "mark": {"type": "text", "fontSize": 14, "align": "left"},
        "encoding": {"text": {"value": note}, "x": {"value": 0}, "y": {"value": 24}},
    }
