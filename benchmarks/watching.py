"""What the long-lived processes of a service hold, over time; it judges growth and nothing else."""

import statistics
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.servers import family
from coprod_kg.settings import Settings

__all__ = ["DISPOSABLE", "Watch"]

DISPOSABLE = (
    *("formats.chart_worker", "ingest.child", "sandbox.fork_server", "store.rdf_intake"),
    *("store.updater", "store.workers"),
)
"""The modules of processes that end by themselves: after a task, or after a while without any."""
_MOST = {"memory, MiB": 24.0, "threads": 8.0, "file handles": 12.0}
"""So much more at the end than after the first quarter is growth and not noise."""
_FILLS = {
    # the pool starts a thread where all are busy, up to the setting, beside some twelve others
    ("server.listen", "threads"): 12.0 + Settings().web_threads,
}
"""What fills up to a bound, by process and what it holds."""


@dataclass
class Watch:
    """The processes of one service; each `look` notes what they hold.

    Attributes:
        pid: the first process.
        snapshots: the folder of the snapshots.
        keep: how many versions the service keeps.
    """

    pid: int
    snapshots: Path
    keep: int
    seen: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    kept: list[int] = field(default_factory=list)
    rested: bool = False

    def rest(self) -> None:
        """Note what each holds when the last client has left."""
        self.look()
        self.rested = True

    def look(self) -> None:
        """Note what each holds now."""
        self.kept.append(sum(one.name.isdigit() for one in self.snapshots.iterdir()))
        first = b""
        for one in family(self.pid):
            try:
                line = Path(f"/proc/{one}/cmdline").read_bytes()
                held = _held(one)
            except (OSError, KeyError):  # it ended meanwhile
                continue
            first = first or line
            if one != self.pid and line == first:
                continue  # a copy of the first one, about to become another program
            words = line.decode().split("\0")
            name = next((word for word in words if word.startswith("coprod_kg.")), "process")
            if not name.endswith(DISPOSABLE):
                of = self.seen.setdefault(f"{name.removeprefix('coprod_kg.')} {one}", {})
                for what, value in held.items():
                    of.setdefault(what, []).append(value)

    def faults(self) -> list[str]:
        """What grew, and which process did not live from the beginning to the end."""
        looks = len(self.kept)
        found = []
        for name, held in self.seen.items():
            for what, values in held.items():
                if len(values) < looks:
                    found.append(f"{name} lived for {len(values)} of {looks} looks")
                    break
                early, late = _ends(values)
                if what == "file handles" and self.rested:  # connections are some, while they last
                    early, late = values[0], values[-1]
                if late <= _FILLS.get((name.partition(" ")[0], what), 0.0):
                    continue
                if late > early + _MOST[what] and late > 1.15 * early:
                    found.append(f"{name}: {what} grew from {early:.0f} to {late:.0f}")
        if self.kept and self.kept[-1] > self.keep + 5:
            found.append(f"{self.kept[-1]} snapshots, of which {self.keep} are to be kept")
        return found

    def table(self) -> list[str]:
        """The lines of a table: at the beginning, after a quarter, at the end."""
        lines = ["| process | holds | first | second quarter | last quarter | most | at rest |"]
        lines.append("| --- | --- | --- | --- | --- | --- | --- |")
        for name, held in self.seen.items():
            for what, values in held.items():
                early, late = _ends(values)
                figures = (values[0], early, late, max(values), values[-1])
                shown = " | ".join(f"{one:.0f}" for one in figures)
                lines.append(f"| {name} | {what} | {shown} |")
        kept = self.kept or [0]
        return [*lines, "", f"Snapshots: {kept[0]} at first, {max(kept)} at most, {kept[-1]} last."]


def _ends(values: list[float]) -> tuple[float, float]:
    """The medians of the second and of the last quarter."""
    quarter = max(1, len(values) // 4)
    return (
        statistics.median(values[quarter : 2 * quarter] or values),
        statistics.median(values[-quarter:]),
    )


def _held(pid: int) -> dict[str, float]:
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return {
        "memory, MiB": int(status["VmRSS"].split()[0]) / 1024,
        "threads": float(status["Threads"]),
        "file handles": float(sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())),
    }
