"""Vega-Lite theme of all charts: on white, in colours that everybody can tell apart.

The hues are those of Okabe and Ito; what is counted in shades has one light hue, on which black
figures stay readable.
"""

from typing import Any, Final

__all__ = ["CONFIG", "HUES"]

HUES: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
_INK: Final = "#222222"
_FAINT: Final = "#dddddd"

CONFIG: Final[dict[str, Any]] = {
    "background": "white",
    "padding": 16,
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
