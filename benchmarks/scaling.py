"""Simulation of readers: requests through a proxy's cache, the machines and their processors.

    python -m benchmarks.scaling --rate 1000 --machines 2 --initiatives 100000

Times are those measured in `benchmarks/reports`; what is simulated is only how they queue.
Requests arrive by chance, addresses follow Zipf's law as those of public sites do, and each new
version makes the cache ask again. Of the two cores of a machine long questions get one: lookups
have lanes of their own (beside four hopeless queries 955 a second were measured). The same seed
gives the same numbers.
"""

import argparse
import heapq
import itertools
import random
from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Load", "Outcome", "main", "simulate"]

LOOKUP_SECONDS = 0.0012
"""Processor time of a point lookup that no cache knows, whatever the size (docs/operations.md)."""
QUESTION_SECONDS = {10_000: 2.3, 100_000: 13.0}
"""Mean time of a saved question that reads everything, by initiatives (benchmarks/reports)."""
DEADLINE_SECONDS = 30.0
PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class Load:
    """What is asked of how many machines.

    Attributes:
        rate: requests a second.
        machines: each has two cores.
        initiatives: in the data.
        questions: share of the requests that are questions which read everything.
        addresses: different lookups that are asked for; there are 60 questions with their values.
        skew: the exponent of Zipf's law.
        version_seconds: time between two versions; each makes the cache ask again.
        cached: whether there is a cache before the machines that asks once for many that wait.
    """

    rate: float
    machines: int = 1
    initiatives: int = 10_000
    questions: float = 0.02
    addresses: int = 100_000
    skew: float = 0.9
    version_seconds: float = 600.0
    cached: bool = True


@dataclass(frozen=True)
class Outcome:
    """What came of it: shares, and milliseconds.

    Attributes:
        hits: share of the requests that the cache answered.
        refused: share of the lookups that waited too long.
        unanswered: share of the questions that waited too long or passed their deadline.
        median, p99: of what was answered, in milliseconds.
        busy: share of the processors' time.
    """

    hits: float
    refused: float
    unanswered: float
    median: float
    p99: float
    busy: float


def question_seconds(initiatives: int) -> float:
    """Time of a question, on the straight line through what was measured."""
    (small, low), (large, high) = sorted(QUESTION_SECONDS.items())
    return max(0.05, low + (initiatives - small) * (high - low) / (large - small))


def simulate(load: Load, seconds: float = 120.0, seed: int = 1) -> Outcome:
    """Let readers ask for some time, from an empty cache on."""
    chance = random.Random(seed)
    lookups, questions = zipf(load.addresses, load.skew), zipf(240, load.skew)
    cores = {name: [0.0] * load.machines for name in ("lookup", "question")}  # when each is free
    known: dict[tuple[str, int], float] = {}  # since when the cache has the answer
    asked, failed = Counter[str](), Counter[str]()
    waited, hits, busy, now = list[float](), 0, 0.0, 0.0
    heavy = min(question_seconds(load.initiatives), DEADLINE_SECONDS)
    while (now := now + chance.expovariate(load.rate)) < seconds:
        asks_all = chance.random() < load.questions
        places = questions if asks_all else lookups
        key = ("question" if asks_all else "lookup", bisect(places, chance.random() * places[-1]))
        asked[key[0]] += 1
        since = known.get(key)
        if (
            load.cached
            and since is not None
            and since // load.version_seconds == (now // load.version_seconds)
        ):
            hits += 1
            waited.append(max(0.0, since - now))
            continue
        free = cores[key[0]]
        start = max(now, free[0])
        if start - now > PATIENCE_SECONDS:
            failed[key[0]] += 1
            continue
        work = heavy if asks_all else LOOKUP_SECONDS
        heapq.heapreplace(free, start + work)
        busy += work
        if work >= DEADLINE_SECONDS:
            failed[key[0]] += 1
            continue
        waited.append(start + work - now)
        known[key] = start + work
    waited.sort()
    return Outcome(
        hits / asked.total(),
        failed["lookup"] / max(1, asked["lookup"]),
        failed["question"] / max(1, asked["question"]),
        1000 * waited[len(waited) // 2],
        1000 * waited[len(waited) * 99 // 100],
        busy / (seconds * 2 * load.machines),
    )


def zipf(number: int, skew: float) -> Sequence[float]:
    """Running sums of the weights of so many addresses."""
    return list(itertools.accumulate((rank + 1) ** -skew for rank in range(number)))


def main() -> None:
    """Print one line of a table for what is asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rate", type=float, default=1000.0)
    parser.add_argument("--machines", type=int, default=1)
    parser.add_argument("--initiatives", type=int, default=10_000)
    parser.add_argument("--questions", type=float, default=0.02)
    parser.add_argument("--version-seconds", type=float, default=600.0)
    parser.add_argument("--no-cache", action="store_true")
    asked = parser.parse_args()
    load = Load(
        asked.rate,
        asked.machines,
        asked.initiatives,
        asked.questions,
        version_seconds=asked.version_seconds,
        cached=not asked.no_cache,
    )
    found = simulate(load)
    print(
        f"{asked.rate:g} a second, {asked.machines} machines, {asked.initiatives:,} initiatives: "
        f"{found.hits:.0%} from the cache, refused {found.refused:.1%} of the lookups and "
        f"{found.unanswered:.1%} of the questions, median {found.median:.1f} ms, "
        f"p99 {found.p99:.0f} ms, processors {found.busy:.0%} busy"
    )


if __name__ == "__main__":
    main()
