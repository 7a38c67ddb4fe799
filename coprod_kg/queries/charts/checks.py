"""Lint rules for the Vega-Lite template of a saved query's chart, with lines.

A chart takes its rows from the query and from nowhere else: no file and no address that the
template names is read when it is drawn.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from coprod_kg.queries.header import Mistake
from coprod_kg.sparql.tokens import position

__all__ = ["chart_mistakes"]

_VIEWS: Final = ("mark", "layer", "facet", "repeat", "concat", "hconcat", "vconcat")
_FETCHED: Final = ("url", "href", "src", "datasets")
"""Keys by which a chart could lead elsewhere or bring its own rows."""
_GIVEN: Final = ("key", "value", "density")
"""The names that transforms give where a chart names none."""
_DEEPEST: Final = 40
_DATUM: Final = re.compile(r"""\bdatum(?:\.(\w+)|\[\s*'([^']*)'\s*\]|\[\s*"([^"]*)"\s*\])""")
_Node = tuple[str, Any]


def chart_mistakes(text: str, columns: Iterable[str]) -> list[Mistake]:
    """Every mistake in a chart.

    Args:
        text: the whole of a ``NAME.vl.json``.
        columns: the columns of the query that it belongs to.
    """
    try:
        spec = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        return [(error.lineno, f"this is not JSON: column {error.colno}: {error.msg}")]
    except ValueError as error:
        return [(1, f"this is not JSON: {error}")]
    except RecursionError:
        return [(1, "this is nested too deeply for a chart")]
    if not isinstance(spec, dict):
        return [(1, "this is not a Vega-Lite chart")]
    nodes = list(_nodes(spec))
    if any(depth > _DEEPEST for depth, _ in nodes):
        return [(1, "this is nested too deeply for a chart")]
    mistakes = [*_outline(text, spec), *_inner(text, [node for _, node in nodes], spec)]
    return sorted({*mistakes, *_names(text, [node for _, node in nodes], set(columns))})


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _nodes(spec: dict[str, Any]) -> Iterator[tuple[int, _Node]]:
    """Every key with its value, and how deep it lies; a list's entries have their list's key."""
    queue: list[tuple[int, _Node]] = [(1, item) for item in spec.items()]
    while queue:
        depth, (key, value) = queue.pop()
        yield depth, (key, value)
        if isinstance(value, dict):
            queue += [(depth + 1, item) for item in value.items()]
        elif isinstance(value, list):
            queue += [(depth + 1, (key, entry)) for entry in value]


def _outline(text: str, spec: dict[str, Any]) -> Iterator[Mistake]:
    if spec.get("data") != {"name": "rows"}:
        line = _line(text, '"data"')
        yield line, 'the rows are the query\'s: write "data": {"name": "rows"}'
    if not any(key in spec for key in _VIEWS):
        yield 1, f"this is not a Vega-Lite chart: it has none of {', '.join(_VIEWS)}"


def _inner(text: str, nodes: Iterable[_Node], spec: dict[str, Any]) -> Iterator[Mistake]:
    chart_data = spec.get("data")
    for key, value in nodes:
        if key in _FETCHED:
            yield _line(text, f'"{key}"'), f'"{key}" would lead out of the query\'s rows'
        elif key == "data" and value is not chart_data:
            yield _line(text, '"data"', last=True), "only the whole chart has data: the query's"
        elif value == "image" and key in ("mark", "type"):
            yield _line(text, '"image"'), "an image would be fetched; choose another mark"


def _names(text: str, nodes: list[_Node], columns: set[str]) -> Iterator[Mistake]:
    """Names used as columns that neither the query nor the chart's own transforms have."""
    known_names = columns | set(_GIVEN)
    known_names |= {value for key, value in nodes if key == "as" and isinstance(value, str)}
    for key, value in nodes:
        if not isinstance(value, str):
            continue
        if key in ("field", "fold", "groupby") and value not in known_names:
            yield (
                _line(text, json.dumps(value, ensure_ascii=False)),
                _unknown_column(value, columns),
            )
        for match in _DATUM.finditer(value):
            name = match[1] or match[2] or match[3] or ""
            if name not in known_names:
                yield _line(text, match[0]), _unknown_column(name, columns)


def _unknown_column(name: str, columns: set[str]) -> str:
    return f"the query has no column {name[:80]!r}; it has {', '.join(sorted(columns)) or 'none'}"


def _line(text: str, fragment: str, *, last: bool = False) -> int:
    offset = text.rfind(fragment) if last else text.find(fragment)
    return position(text, max(offset, 0))[0]
