"""The report of a comparison: what was to be reached, figures, rows that differ, growth."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import vl_convert

from benchmarks.questions import KINDS, Questions

__all__ = ["Goal", "goals", "growth", "write", "write_growth"]

_OURS: Final = "coprod-kg"
_MEASURES: Final = (
    "start to first answer, s",
    "memory at start, MiB",
    "disk, MiB",
    "loading, processor s",
    "lookups, 16 clients: processor ms",
    "documents, 16 clients: processor ms",
    "commit to visible, s",
)
"""What is fitted beside the questions."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Something that was to be reached.

    Attributes:
        what: in words.
        found: what was measured; None where it could not be.
        aim: the bound.
        least: whether it is the least that is wanted, else the most.
    """

    what: str
    found: float | None
    aim: float
    least: bool = False

    @property
    def told(self) -> str:
        """Reached or missed, and by how much."""
        if self.found is None:
            return "not measured"
        if self.found >= self.aim if self.least else self.found <= self.aim:
            return "reached"
        factor = self.aim / self.found if self.least else self.found / self.aim
        return f"missed by a factor of {factor:.2g}"


def goals(figures: Mapping[str, Mapping[str, Any]], asked: Questions) -> list[Goal]:
    """What was to be reached beside Virtuoso and Oxigraph's server, and alone."""

    def ratio(what: str, other: str) -> float | None:
        try:
            return float(figures[_OURS][what]) / float(figures[other][what])
        except (KeyError, ValueError, ZeroDivisionError):
            return None

    def alone(what: str) -> float | None:
        value = figures[_OURS].get(what)
        return float(value) if isinstance(value, int | float) else None

    found = []
    for kind, aim in (("published", 0.1), ("cold", 3.0), ("ad hoc", 3.0)):
        words = f"{KINDS[kind]}: processor seconds to Virtuoso's"
        found.append(Goal(words, asked.ratio(kind, _OURS, "virtuoso"), aim))
    for what in ("lookups", "documents"):
        for clients in (1, 16):
            name = f"{what}, {clients} clients: per_second"
            words = f"{what} a second, {clients} clients, to Oxigraph's server"
            found.append(Goal(words, ratio(name, "oxigraph"), 0.5, least=True))
    name = "beside 1 hopeless queries: p99"
    found.append(Goal("p99 of a lookup beside a hopeless query, ms", alone(name), 250))
    found.append(Goal("memory at start, MiB", alone("memory at start, MiB"), 500))
    name = "start again to first answer, s"
    found.append(Goal(f"{name}, under the same address", alone(name), 5))
    return found


def _page(found: Mapping[str, Any]) -> str:
    """One size as a page."""
    figures, asked = found["figures"], found["questions"]
    lines = ["# The service beside its neighbours", ""]
    lines += [f"- {name}: {value}" for name, value in found["about"].items()]
    lines += ["", "## What was to be reached", "", "| what | aim | found | |", "| --- " * 4 + "|"]
    for goal in goals(figures, asked):
        aim = f"{'at least' if goal.least else 'at most'} {goal.aim:g}"
        lines.append(f"| {goal.what} | {aim} | {_shown(goal.found)} | {goal.told} |")
    lines += ["", "## Figures", "", "Medians. The ratio is ours to Oxigraph's.", ""]
    lines += _table(figures)
    lines += ["", "## Questions", "", "Geometric means over the questions that all answered.", ""]
    lines += _questions(asked, list(figures))
    lines += _unanswered(asked)
    lines += _differences(asked)
    return "\n".join(lines) + "\n"


def _table(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    names = list(figures)
    lines = [f"| what | {' | '.join(names)} | ratio |", "| --- " * (len(names) + 2) + "|"]
    for row in dict.fromkeys(row for one in figures.values() for row in one):
        values = [figures[name].get(row) for name in names]
        own, other = figures[_OURS].get(row), figures.get("oxigraph", {}).get(row)
        ratio = ""
        if isinstance(own, int | float) and isinstance(other, int | float) and other:
            ratio = f"{own / other:.2f}"
        lines.append(f"| {row} | {' | '.join(map(_shown, values))} | {ratio} |")
    return lines


def _questions(asked: Questions, names: Sequence[str]) -> list[str]:
    lines = [f"| kind | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]
    for kind in asked.wall:
        count = len(asked.shared(kind))
        for what, of in (("s", asked.wall), ("processor s", asked.processor)):
            means = [asked.mean(kind, name, of) for name in names]
            shown = " | ".join(map(_shown, means))
            lines.append(f"| {kind}, {what} ({count} questions) | {shown} |")
        ratios = [asked.ratio(kind, _OURS, name) for name in names]
        lines.append(
            f"| {kind}, ours to each (both answered) | {' | '.join(map(_shown, ratios))} |"
        )
    lines += ["", *(f"- {kind}: {words}" for kind, words in KINDS.items())]
    return lines


def _unanswered(asked: Questions) -> list[str]:
    told = [
        f"- {kind}, {question}, {server}: {why}"
        for kind, of in asked.problems.items()
        for question, servers in of.items()
        for server, why in servers.items()
    ]
    return ["", "## Not answered", "", *(told or ["Every server answered every question."])]


def _differences(asked: Questions) -> list[str]:
    told = [
        f"- {kind}, {question}, {server}: {words}"
        for (kind, question, server), words in sorted(asked.differences.items())
    ]
    lines = ["", "## Rows that differ from ours", ""]
    lines.append("Compared as bags of terms, numbers by value; blank nodes are alike.")
    return [*lines, "", *(told or ["None."])]


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def write(found: Mapping[str, Any], folder: Path) -> Path:
    """Write the report of one size; its page is returned."""
    about, asked = found["about"], found["questions"]
    stem = folder / f"service-{about['initiatives']}-{about['date']}"
    told = {"about": about, "figures": found["figures"], "questions": asked.told()}
    text = json.dumps(told, indent=1, sort_keys=False)
    stem.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    page = _page(found)
    if drawn := _drawn(asked, list(found["figures"])):
        stem.with_suffix(".svg").write_text(drawn, encoding="utf-8")
        page = page.replace("\n## Figures\n", f"\n![]({stem.name}.svg)\n\n## Figures\n", 1)
    stem.with_suffix(".md").write_text(page, encoding="utf-8")
    return stem.with_suffix(".md")


def _drawn(asked: Questions, names: Sequence[str]) -> str:
    """A chart of the geometric means, or nothing where nothing was answered."""
    values = [
        {"kind": kind, "server": name, "seconds": mean}
        for kind in asked.wall
        for name in names
        if (mean := asked.mean(kind, name, asked.processor)) is not None
    ]
    if not values:
        return ""
    return vl_convert.vegalite_to_svg(
        {
            "data": {"values": values},
            "mark": {"type": "point", "filled": True, "size": 90},
            "encoding": {
                "y": {"field": "server", "type": "nominal", "sort": list(names), "title": None},
                "x": {
                    "field": "seconds",
                    "type": "quantitative",
                    "scale": {"type": "log"},
                    "title": "processor seconds for a question, geometric mean",
                },
                "row": {"field": "kind", "type": "nominal", "title": None},
            },
        },
        vl_version="5.20",
        allowed_base_urls=[],
    )


def growth(points: Sequence[tuple[float, float]]) -> float | None:
    """The exponent by which a figure grows with the size: the slope of logarithms.

    >>> round(growth([(1_000, 2.0), (10_000, 20.0), (100_000, 200.0)]), 3)
    1.0
    """
    known = [(math.log(size), math.log(value)) for size, value in points if value > 0]
    if len(known) < 2:
        return None
    middle = sum(x for x, _ in known) / len(known), sum(y for _, y in known) / len(known)
    across = sum((x - middle[0]) ** 2 for x, _ in known)
    return sum((x - middle[0]) * (y - middle[1]) for x, y in known) / across if across else None


def _grown(found: Mapping[str, Any], name: str, what: str) -> float | None:
    """One figure of one server; of a kind of questions the mean."""
    asked: Questions = found["questions"]
    if what in KINDS:
        return asked.mean(what, name, asked.processor)
    value = found["figures"].get(name, {}).get(what)
    return float(value) if isinstance(value, int | float) else None


def write_growth(done: Sequence[Mapping[str, Any]], folder: Path) -> Path:
    """Write how the figures of each server grow from size to size; the page is returned."""
    names = list(dict.fromkeys(name for found in done for name in found["figures"]))
    sizes = [int(found["about"]["initiatives"]) for found in done]
    first, *others = (found["about"] for found in done)
    lines = ["# How it grows", ""]
    for name, value in first.items():
        if all(about.get(name) == value for about in others):
            lines.append(f"- {name}: {value}")
    lines += ["", "An exponent of 1 is growth with the data, 0 is none.", ""]
    lines += [f"| what | server | {' | '.join(f'{size:,}' for size in sizes)} | exponent |"]
    lines += ["| --- " * (len(sizes) + 3) + "|"]
    for what in (*_MEASURES, *KINDS):
        for name in names:
            values = [_grown(found, name, what) for found in done]
            points = [(size, one) for size, one in zip(sizes, values, strict=True) if one]
            if points:
                shown = " | ".join(map(_shown, values))
                words = f"{what}, processor s (geometric mean)" if what in KINDS else what
                lines.append(f"| {words} | {name} | {shown} | {_shown(growth(points))} |")
    path = folder / f"growth-{done[-1]['about']['date']}.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
