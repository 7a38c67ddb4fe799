"""The end of the soak: writers by every road while one process after the other is killed."""

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from benchmarks.servers import family
from benchmarks.writers import at_work, writers

__all__ = ["killing"]

_BETWEEN_SECONDS = 3.0
_PAUSE_SECONDS = 0.2


def killing(
    pid: int, port: int, token: str, minutes: float, count: int
) -> tuple[Counter[str], list[str], Counter[str]]:
    """Kill one descendant of a service after the other while so many writers write.

    Returns:
        What the writers were told, what was wrong, and which process was killed during which write.
    """
    told, during, chance = Counter[str](), Counter[str](), random.Random(2026)
    until = time.monotonic() + 60 * minutes
    some = writers(count, port, token, told)
    threads = at_work(some, until, _PAUSE_SECONDS)
    while time.monotonic() < until:
        time.sleep(chance.uniform(0, _BETWEEN_SECONDS))
        kinds = _kinds(pid)
        if kinds:
            kind = chance.choice(sorted(kinds))
            with suppress(ProcessLookupError):
                os.kill(chance.choice(kinds[kind]), signal.SIGKILL)
                during.update(f"{kind}, {one.doing}" for one in some if one.doing)
    for thread in threads:
        thread.join()
    return told, [text for one in some for text in one.wrong], during


def _kinds(pid: int) -> dict[str, list[int]]:
    """The descendants of a service by what they do."""
    found: dict[str, list[int]] = {}
    for one in family(pid)[1:]:
        with suppress(OSError):
            words = Path(f"/proc/{one}/cmdline").read_bytes().decode().split("\0")
            module = next((word for word in words if word.startswith("coprod_kg.")), "")
            if module == "coprod_kg.cli.__main__":  # a copy of the first, about to be another
                continue
            found.setdefault(module.removeprefix("coprod_kg.") or "web process", []).append(one)
    return found
