"""Makes many initiatives of fewer: the data of made-up organisations again under other numbers.

Submitting 100,000 initiatives takes a quarter of an hour of two cores, and measures something
else. So 10,000 are submitted, and what became of them, conclusions too, is written out ten times;
every copy has organisations and initiatives of its own. The records of submissions are not copied.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyoxigraph as ox

__all__ = ["fill", "multiply", "shifted"]

_NUMBER: Final = re.compile(r"made-up-(\d+)")
_COPIED: Final = ("/graph/organisation/made-up-", "/graph/assessment/made-up-")


def multiply(source: Path, target: Path, copies: int, organisations: int) -> None:
    """Write N-Quads with so many copies of what made-up organisations hold.

    Args:
        source: N-Quads of one.
        target: is written.
        copies: how many there will be, the one included.
        organisations: how many there are in one.
    """
    unfinished = target.with_suffix(".unfinished")
    with source.open(encoding="utf-8") as lines, unfinished.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(line)
            if any(name in line for name in _COPIED):
                file.writelines(_shifted(line, copies, organisations))
    unfinished.rename(target)


def _shifted(line: str, copies: int, organisations: int) -> Iterator[str]:
    for copy in range(1, copies):
        yield shifted(line, copy * organisations)


def shifted(text: str, by: int) -> str:
    """A text in which each made-up organisation has a number that is higher by so much."""
    return _NUMBER.sub(lambda found: f"made-up-{int(found[1]) + by}", text)


def fill(data: Path, dump: Path) -> None:
    """Make a data directory whose store holds what a dump holds, as if it had been submitted."""
    data.mkdir(parents=True)
    store = ox.Store(str(data / "unfinished"))
    store.bulk_load(path=str(dump), format=ox.RdfFormat.N_QUADS)
    store.flush()
    del store
    (data / "unfinished").rename(data / "store")
