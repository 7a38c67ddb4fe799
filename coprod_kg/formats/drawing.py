"""Drawing of charts as SVG or PNG, in the one theme, by a child process under limits.

The engine brings a JavaScript machine along: 60 MiB of memory that a process would keep for ever.
A child that draws one picture takes under a second and gives all of it back. It has a deadline, a
cap on processor time and memory, and may fetch nothing.
"""

import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from threading import BoundedSemaphore
from typing import Any, Final

from coprod_kg.errors import LimitReached, ModelError, Overloaded, StoreError
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.child import module, run
from coprod_kg.sandbox.limits import Death

__all__ = [
    "CONFIG",
    "png",
    "svg",
]


_SECONDS: Final = 20.0
_MOST_BYTES: Final = 8 << 20
"""The largest specification that is drawn."""
_WAITING: Final = 3.0
_PENS: Final = BoundedSemaphore(4)
"""How many pictures this process has drawn at the same time; the service admits fewer."""

HUES: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
_INK: Final = "#222222"
_FAINT: Final = "#dddddd"

CONFIG: Final[dict[str, Any]] = {
    "background": "white",
    # Where Arial and its like are missing a browser takes a font up to a seventh wider than the
    # one that was measured here: room for it before the labels.
    "padding": {"left": 40, "right": 16, "top": 16, "bottom": 16},
    "font": "Liberation Sans, Arial, Helvetica, sans-serif",
    "title": {
        "anchor": "start",
        "frame": "bounds",
        "fontSize": 16,
        "color": _INK,
        "subtitleFontSize": 12,
        "subtitleColor": "#444444",
        "subtitlePadding": 6,
        "offset": 14,
    },
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelColor": _INK,
        "titleColor": _INK,
        "labelLimit": 420,
        "gridColor": _FAINT,
        "domainColor": "#888888",
        "tickColor": "#888888",
    },
    "axisY": {
        "titleAngle": 0,
        "titleAlign": "right",
        "titleBaseline": "bottom",
        "titleX": -8,
        "titleY": -10,
    },
    "axisDiscrete": {"grid": False},
    "header": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelFontWeight": "bold",
        "labelLimit": 300,
        "labelColor": _INK,
    },
    "legend": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 320,
        "orient": "top",
        "labelColor": _INK,
        "titleColor": _INK,
    },
    "text": {"fontSize": 12, "color": _INK},
    "bar": {"color": HUES[0]},
    "rule": {"color": HUES[0]},
    "point": {"color": HUES[0]},
    "range": {"category": list(HUES), "heatmap": ["#eef5fb", "#56B4E9"]},
    "view": {"stroke": "transparent"},
}


def svg(spec: Mapping[str, Any]) -> bytes:
    """Draw a Vega-Lite specification as SVG, with its description for people who cannot see it.

    Raises:
        CoprodError: it cannot be drawn, or not within the limits.
    """
    picture = _picture("svg", _text(spec))
    description = escape(str(spec.get("description", "A chart")))
    opening, closing, content = picture.partition(b">")
    attributes = f' role="img" aria-label="{description}"'.encode()
    return opening + attributes + closing + f"<title>{description}</title>".encode() + content


def png(spec: Mapping[str, Any]) -> bytes:
    """Draw a Vega-Lite specification as PNG, at twice the size for sharp print.

    Raises:
        CoprodError: it cannot be drawn, or not within the limits.
    """
    return _picture("png", _text(spec))


def _text(spec: Mapping[str, Any]) -> str:
    text = json.dumps(spec, ensure_ascii=False)
    if len(text) > _MOST_BYTES:
        raise LimitReached(
            f"a chart of {len(text) >> 20} MiB is not drawn",
            fix="Bind more parameters, so that fewer rows remain.",
        )
    return text


@lru_cache(maxsize=64)  # a first picture takes 0.4 s of processor time
def _picture(form: str, text: str) -> bytes:
    """The picture from the child, cached: the same specification is drawn once."""
    if not _PENS.acquire(timeout=_WAITING):
        raise Overloaded("other charts are being drawn already", fix="Try again later.")
    try:
        child_end = run(
            module("coprod_kg.formats.chart_worker"),
            lambda file: wire.write(file, {"form": form}, [text.encode()]),
            seconds=_SECONDS,
        )
    except OSError as error:
        raise StoreError(f"nothing can be drawn: {error.strerror}") from None
    finally:
        _PENS.release()
    if child_end.status < 0:
        raise LimitReached(
            f"the chart was stopped after {_SECONDS:g} seconds"
            if child_end.death is Death.DEADLINE
            else "the chart met its cap of memory",
            fix="Bind more parameters, so that fewer rows remain.",
        )
    answer = child_end.answer(sys.maxsize)
    if answer is None:
        raise ModelError(f"the chart cannot be drawn: {child_end.last_words or 'no reason given'}")
    return answer[1][0]
