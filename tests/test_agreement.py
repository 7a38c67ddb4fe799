"""The rules conclude what the reasoners conclude, and the checks find what HermiT refuses.

Each start of Java takes seconds: many worlds, which share no thing, are reasoned on in one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import pyoxigraph as ox
import pytest

from coprod_kg.ingest import rdf
from coprod_kg.ingest.rdf_formats import format_of
from coprod_kg.model.files import files
from coprod_kg.model.installed import Model
from coprod_kg.model.namespaces import expand, prologue, term
from coprod_kg.reasoning.consistency import consistent, premises
from coprod_kg.reasoning.rules import Rules
from tests.realisation import Fact, by_hermit, by_pellet
from tests.reasoning.worlds import Worlds, decided_by_updates

BASE = "https://w3id.org/coprod/"
CASES = sorted((files("examples") / "cases").glob("*.ttl"))
CHECKS = sorted((files("queries") / "checks").glob("*-violation.rq"))
Require = Callable[[str], None]

ANNOTATIONS = {expand("dcterms:source")}
"""Said of things by IRI, and outside of what a reasoner looks at."""
NOT_PRINTED_BY_HERMIT = {
    term("follows"): "transitive, and above cp:succeeds",
    term("lastStage"): "above cp:currentStage and cp:endedAtStage, which rules decide",
    term("runWithin"): "a chain leads to it, and it is above cp:runBy",
    term("supportedBy"): "above cp:countsEvidence, which a rule decides",
    term("tracesBackTo"): "transitive, and above cp:triggeredBy",
    term("worsens"): "transitive, and above cp:leadsTo and cp:compounds",
}
"""HermiT reckons with these values, and prints none but those stated of the property itself."""


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.installed()


@pytest.fixture(scope="module")
def rules(model: Model) -> Rules:
    return Rules(model.rules, model.background)


@pytest.fixture(scope="module")
def worlds(model: Model) -> Worlds:
    return Worlds(model.background)


@pytest.fixture(scope="module")
def examples() -> list[ox.Triple]:
    """A few cases that together use every class, property and stage that any case uses.

    A reasoner's time grows faster than its data, and what a file concludes rests on its own terms.
    """
    cases = {path: read(path.read_bytes(), path.name) for path in CASES}
    terms = {path: {*chain(*map(terms_of, triples))} for path, triples in cases.items()}
    left, chosen = set().union(*terms.values()), list[ox.Triple]()
    while left:
        best = max(CASES, key=lambda path: len(terms[path] & left) / len(cases[path]))
        left -= terms[best]
        chosen += cases[best]
    return chosen


def terms_of(triple: ox.Triple) -> Iterator[str]:
    """The property; and the class or the stage that it leads to."""
    yield triple.predicate.value
    if triple.predicate.value in (expand("rdf:type"), term("stage"), term("direction")):
        yield str(triple.object)


def read(content: bytes, name: str = "data.ttl") -> list[ox.Triple]:
    return rdf.skolemised(rdf.read(content, name, format_of(name), BASE).triples, BASE)


def by_rules(rules: Rules, said: Sequence[ox.Triple]) -> tuple[list[ox.Triple], set[Fact]]:
    """What the rules infer; and all that holds, without literals and annotations."""
    inferred = rules.infer(said)
    return inferred, {
        (one.subject.value, one.predicate.value, one.object.value)
        for one in (*said, *inferred)
        if isinstance(one.subject, ox.NamedNode)
        and isinstance(one.object, ox.NamedNode)
        and one.predicate.value not in ANNOTATIONS
    }


def given(folder: Path, said: Sequence[ox.Triple], inferred: list[ox.Triple]) -> list[ox.Triple]:
    """The premises of a reasoner: what is said, and what no axiom concludes."""
    path = folder / "data.nt"
    ox.serialize(said, path, ox.RdfFormat.N_TRIPLES)
    return [*premises(files("ontology"), [path]), *decided_by_updates(inferred)]


def on_things(facts: Iterable[Fact], model: Model) -> set[Fact]:
    """The facts about data: those about terms, concepts and criteria belong to no submission."""
    described = {str(one.subject) for one in model.background}
    shapes = "https://w3id.org/coprod/shapes#"
    return {
        fact for fact in facts if f"<{fact[0]}>" not in described and not fact[0].startswith(shapes)
    }


def test_the_rules_conclude_on_all_examples_and_random_worlds_exactly_what_pellet_does(
    require: Require,
    model: Model,
    rules: Rules,
    worlds: Worlds,
    examples: list[ox.Triple],
    tmp_path: Path,
) -> None:
    require("java")
    said = [*examples, *(one for seed in range(20) for one in worlds.world(seed))]
    inferred, ours = by_rules(rules, said)
    theirs = on_things(by_pellet(given(tmp_path, said, inferred)), model)
    assert (theirs - ours, ours - theirs) == (set(), set())
    kinds = {fact[2] for fact in theirs if fact[1] == expand("rdf:type")}
    assert {term("StalledInitiative"), term("CoProducedInitiative"), term("EvidencedClaim")} < kinds
    assert {term("InterOrganisationalInitiative"), term("PilotInitiative")} < kinds


def test_hermit_concludes_the_same_but_for_the_values_that_it_does_not_print(
    require: Require, model: Model, rules: Rules, worlds: Worlds, tmp_path: Path
) -> None:
    require("java")
    said = [one for seed in range(100, 104) for one in worlds.world(seed)]
    inferred, ours = by_rules(rules, said)
    theirs = on_things(by_hermit(given(tmp_path, said, inferred)), model)
    assert theirs - ours == set()
    assert {fact[1] for fact in ours - theirs} <= set(NOT_PRINTED_BY_HERMIT)


# Inconsistent data


BROKEN = {
    "an initiative that is an organisation": (
        "<id/a> a cp:Initiative , org:Organization .",
        "disjoint-classes",
    ),
    "a claim about evidence": (
        "<id/c> cp:about <id/e> . <id/e> a cp:Evidence .",
        "disjoint-classes",
    ),
    "an agent who is an initiative by what runs it": (
        "<id/a> cp:runBy <id/o> . <id/c> cp:claimedBy <id/a> .",
        "disjoint-classes",
    ),
    "a report that is two kinds of claim": (
        "<id/c> cp:enabler <id/n> ; cp:stage stage:project .",
        "disjoint-classes",
    ),
    "a role where a stage belongs": (
        "<id/c> cp:stage <id/r> . <id/r> a cp:Role .",
        "disjoint-classes",
    ),
    "two stages in one assessment": (
        "<id/c> cp:stage stage:project , stage:culture .",
        "functional-property",
    ),
    "a flow in both directions": (
        "<id/f> a cp:FeedbackFlow ; cp:direction direction:feed-forward .",
        "functional-property",
    ),
    "two initiatives that succeed each other": (
        "<id/a> cp:succeeds <id/b> ; cp:succeededBy <id/b> .",
        "asymmetric-property",
    ),
    "a barrier that leads to itself": (
        "<id/b> cp:leadsTo <id/b> .",
        "irreflexive-property",
    ),
    "a criterion both met and missed": (
        "<id/a> cp:meetsCriterion <id/k> ; cp:missesCriterion <id/k> .",
        "disjoint-properties",
    ),
    "a text where true or false belongs": (
        '<id/r> cp:overcomeWithoutEnabler "perhaps" .',
        "datatype",
    ),
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an ontology without its schemes, which HermiT reads in half the time."""
    folder = tmp_path_factory.mktemp("ontology")
    (folder / "coprod.ttl").write_bytes((files("ontology") / "coprod.ttl").read_bytes())
    return folder


def violations(model: Model, rules: Rules, said: Sequence[ox.Triple]) -> Iterator[str]:
    """What the checks find, as the name of the check and the thing."""
    store = ox.Store()
    store.extend(ox.Quad(*one) for one in (*rules.background, *said, *rules.infer(said)))
    for path in CHECKS:
        for row in store.query(path.read_text(encoding="utf-8")):  # type: ignore[union-attr]  # these are SELECT queries
            yield f"{path.stem.removesuffix('-violation')} {row[0]}"


def test_hermit_and_the_checks_refuse_the_same_broken_graphs(
    require: Require, model: Model, rules: Rules, bare: Path, tmp_path: Path
) -> None:
    require("java")
    texts = [prologue() + said for said, _ in BROKEN.values()]
    paths = [tmp_path / f"{place}.ttl" for place in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    with ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(lambda path: consistent(premises(bare, [path])), paths))
    assert [name for name, verdict in zip(BROKEN, verdicts, strict=True) if verdict] == []


@pytest.mark.parametrize(("said", "check"), BROKEN.values(), ids=BROKEN)
def test_a_check_finds_what_cannot_be(model: Model, rules: Rules, said: str, check: str) -> None:
    found = set(violations(model, rules, read((prologue() + said).encode())))
    assert {one.partition(" ")[0] for one in found} == {check}


def test_the_checks_find_nothing_in_the_examples_the_tiny_world_and_the_random_worlds(
    model: Model, rules: Rules, worlds: Worlds, examples: list[ox.Triple]
) -> None:
    tiny = read((Path(__file__).parent / "tiny.ttl").read_bytes())
    random = [one for seed in range(20) for one in worlds.world(seed)]
    for said in (examples, tiny, random):
        assert list(violations(model, rules, said)) == []


@pytest.mark.parametrize("path", CHECKS, ids=lambda path: path.stem)
def test_every_check_names_the_problem_and_its_solution(path: Path) -> None:
    first, second, *_ = path.read_text(encoding="utf-8").splitlines()
    assert first.startswith("#+ problem: ")
    assert second.startswith("#+ solution: ")
    assert first.endswith(".")
    assert second.endswith(".")
