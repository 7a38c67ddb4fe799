"""The counts of what a store says are those of a count of the whole, however a commit was made."""

import random
from pathlib import Path

import pytest

from coprod_kg.publishing.catalogue import describe
from coprod_kg.settings import Settings
from coprod_kg.store import merged
from coprod_kg.store.base import Change
from coprod_kg.store.counts import count_store
from coprod_kg.store.directory import DataDirectory
from coprod_kg.store.durable import Durable

BASE = Settings().base_iri
GRAPHS = [f"{BASE}graph/organisation/{name}" for name in "abc"] + [f"{BASE}graph/provenance"]
INTEGER = "<http://www.w3.org/2001/XMLSchema#integer>"
OBJECTS = (
    *(f"<{BASE}id/thing/{number}>" for number in range(6)),
    f'"1"^^{INTEGER}',
    f'"01"^^{INTEGER}',  # the engine makes one of these two
    '"1"',
    '"1"^^<http://www.w3.org/2001/XMLSchema#string>',  # these two are one
    '"one"@en',
    '"one"@EN',  # and these
    r'"\tone \\ \"two\" <urn:a> <urn:b> <urn:c> .\n"',
    r'"\u0009one \\ \u0022two\" <urn:a> <urn:b> <urn:c> .\u000A"',  # and these
    r"<urn:c:\u0030>",
    "<urn:c:0>",
    "<http://www.wikidata.org/entity/Q1>",
    "_:b",
)
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"


def lines(chance: random.Random, *, blank: bool) -> bytes:
    found = []
    for _ in range(chance.randrange(12)):
        subject = f"<{BASE}id/thing/{chance.randrange(6)}>"
        if chance.random() < 0.3:
            escaped = r"\u0030" if chance.random() < 0.1 else "0"
            kind = chance.choice((escaped, "1", "2"))
            found.append(f"{subject} {TYPE} <urn:c:{kind}> .")
        else:
            value = chance.choice(OBJECTS if blank else OBJECTS[:-1])
            found.append(f"{subject} <urn:p:{chance.randrange(2)}> {value} .")
        if blank and chance.random() < 0.2:
            found.append(f"_:b <urn:p:0> <{BASE}id/thing/{chance.randrange(6)}> .")
    return "".join(f"{line}\n" for line in found).encode()


def change(chance: random.Random) -> Change:
    added, *replaced = chance.sample(GRAPHS, k=chance.randrange(1, 4))
    return Change(
        replace={graph: lines(chance, blank=chance.random() < 0.4) for graph in replaced},
        add={added: lines(chance, blank=False)},
    )


def check(store: Durable) -> None:
    assert store.description is not None
    assert store.description.tally is not None
    assert +store.description.tally == +count_store(store.store)
    held = store.store.quads_for_pattern(None, None, None, merged.MERGED)
    assert store.description.tally[()] == sum(1 for _ in held)


@pytest.mark.parametrize("bulk", [0, 5_000], ids=["in bulk", "in transactions"])
@pytest.mark.parametrize("seed", range(4))
def test_after_every_commit_the_counts_are_those_of_the_whole(
    tmp_path: Path, seed: int, bulk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merged, "_FEW", bulk)
    chance, directory = random.Random(seed), DataDirectory(tmp_path)
    with directory.locked():
        store = Durable.open(directory, BASE, 3, describe=describe)
        for _ in range(8):
            store.commit([change(chance) for _ in range(chance.randrange(1, 3))])
            check(store)


def test_two_numbers_that_the_engine_makes_one_count_once(tmp_path: Path) -> None:
    directory, thing = DataDirectory(tmp_path), f"<{BASE}id/thing/1>"
    said = "".join(f'{thing} <urn:p> "{number}"^^{INTEGER} .\n' for number in ("1", "01"))
    with directory.locked():
        store = Durable.open(directory, BASE, 3, describe=describe)
        store.commit([Change({GRAPHS[0]: b"<urn:a> <urn:p> <urn:b> .\n"})])
        store.commit([Change({GRAPHS[1]: said.encode()})])
        check(store)


def test_a_graph_that_one_commit_writes_twice_counts_as_it_is_left(tmp_path: Path) -> None:
    directory, thing = DataDirectory(tmp_path), f"<{BASE}id/thing/1>"
    changes = [
        Change({GRAPHS[0]: f"{thing} <urn:p:{number}> <urn:b> .\n".encode()}) for number in (1, 2)
    ]
    with directory.locked():
        store = Durable.open(directory, BASE, 3, describe=describe)
        store.commit([Change({GRAPHS[1]: b"<urn:a> <urn:p> <urn:b> .\n"})])
        store.commit(changes)
        check(store)
