"""Claims about what the concept schemes hold: orders, links, decisions and hypotheses."""

import re

import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, RDF, RDFS, SKOS, XSD

from tests.vocab.reading import (
    CLASSES,
    CP,
    HOME,
    LANGUAGES,
    TOP,
    VOCAB,
    ancestors,
    concepts,
    graph,
    languages,
    listed,
    slugs,
    table,
)

__all__: list[str] = []

CODING = TOP / "examples" / "coding"
BRIEF = URIRef("https://anzsog.edu.au/?p=21150")
SIDES = ("professional-side", "citizen-side", "political-side", "supporting-side")
ORDERED = (
    "confidence",
    "government-level",
    "independence",
    "influence",
    "lay-level",
    "learning-level",
    "learning-process",
    "organisation-size",
    "phase",
    "severity",
    "status",
    "step",
)


@pytest.mark.parametrize("name", ORDERED)
def test_the_order_of_an_ordered_scheme_is_total(name: str) -> None:
    order = [graph(name).value(one, CP.order) for one in concepts(name)]
    numbers = sorted(int(str(one)) for one in order if one is not None)
    assert numbers == list(range(1, len(order) + 1))


def test_no_other_scheme_has_half_an_order() -> None:
    ordered = {name for name in CLASSES if any(graph(name).subject_objects(CP.order))}
    assert ordered == set(ORDERED)


def test_every_stage_has_a_rank_and_the_levels_of_ad_hoc_share_one() -> None:
    ranks = {
        slug: graph("stage").value(URIRef(f"{HOME}stage/{slug}"), CP.rank)
        for slug in slugs("stage")
    }
    assert ranks == {
        slug: Literal(rank, datatype=XSD.integer)
        for rank, names in enumerate(
            (
                ("ad-hoc", "ad-hoc-individual", "ad-hoc-collective"),
                ("pilot-project",),
                ("project",),
                ("programme",),
                ("culture",),
            ),
            start=1,
        )
        for slug in names
    }


def test_a_step_leads_from_any_stage_to_any_other_and_the_next_ones_come_first() -> None:
    found = []
    for step in concepts("step"):
        ends = [graph("step").value(step, one) for one in (CP.fromStage, CP.toStage)]
        ranks = [int(str(graph("stage").value(end, CP.rank))) for end in ends]
        found.append((int(str(graph("step").value(step, CP.order))), *ranks))
    ordered = [(low, high) for _, low, high in sorted(found)]
    assert ordered[:4] == [(1, 2), (2, 3), (3, 4), (4, 5)]
    assert set(ordered) == {(a, b) for a in range(1, 6) for b in range(1, 6) if a != b}
    assert len(ordered) == 20


@pytest.mark.parametrize("name", ["barrier", "enabler"])
def test_every_listed_factor_is_there_and_in_a_group(name: str) -> None:
    assert listed(f"{name}s.txt") <= slugs(name)
    for slug in listed(f"{name}s.txt"):
        assert graph(name).value(URIRef(f"{HOME}{name}/{slug}"), SKOS.broader), slug


def test_the_links_between_barriers_are_those_of_the_brief() -> None:
    links = {
        (str(low).rpartition("/")[2], kind, str(high).rpartition("/")[2])
        for kind, predicate in (("leads to", CP.leadsTo), ("compounds", CP.compounds))
        for low, high in graph("barrier").subject_objects(predicate)
    }
    entrenched = "entrenched-structures-processes"
    disparate = "disparate-structures-processes-systems"
    assert links == {
        (entrenched, "leads to", "frontline-hesitancy"),
        (entrenched, "leads to", "local-manager-hesitancy"),
        (disparate, "compounds", "intra-org-complexity"),
        (disparate, "compounds", "inter-org-complexity"),
    }


def test_every_word_for_an_enabler_in_the_cases_is_decided() -> None:
    decisions = {row["slug"]: row for row in table(VOCAB / "enabler-decisions.csv")}
    known = slugs("enabler")
    for word in listed("enabler-words.txt"):
        assert word in decisions or word.replace("_", "-") in known, word
    for row in decisions.values():
        assert row["decision"] in {"new concept", "altLabel", "no enabler"}
        assert row["why"], row
        assert row["concept"] in known or row["decision"] == "no enabler", row


def test_a_word_decided_to_be_another_label_is_one() -> None:
    for row in table(VOCAB / "enabler-decisions.csv"):
        if row["decision"] == "altLabel":
            concept = URIRef(f"{HOME}enabler/{row['concept']}")
            word = row["slug"].replace("inter_org", "inter-organisational").replace("_", " ")
            assert Literal(word, "en") in graph("enabler").objects(concept, SKOS.altLabel), word


def test_every_word_for_an_actor_in_the_cases_is_decided() -> None:
    decisions = {row["slug"]: row for row in table(VOCAB / "role-decisions.csv")}
    assert set(decisions) == listed("actor-words.txt")
    for row in decisions.values():
        assert row["why"], row
        if row["decision"] == "no role":
            assert not row["concept"], row
            continue
        role, side = (URIRef(f"{HOME}role/{row[key]}") for key in ("concept", "side"))
        assert side in {role, *ancestors("role", role)}, row


@pytest.mark.parametrize(("file", "name"), [("enablers", "enabler"), ("participations", "role")])
def test_every_word_of_the_example_data_leads_to_a_concept(file: str, name: str) -> None:
    decisions = table(VOCAB / f"{name}-decisions.csv")
    decided = {row["slug"].replace("_", "-"): row["concept"] for row in decisions}
    words = {row[name] for row in table(CODING / f"{file}.csv")}
    assert not [word for word in words if decided.get(word, word) not in {*slugs(name), ""}]


def test_every_role_stands_on_one_side() -> None:
    sides = {URIRef(f"{HOME}role/{side}") for side in SIDES}
    assert set(graph("role").subjects(SKOS.topConceptOf)) == sides
    assert all(len({one, *ancestors("role", one)} & sides) == 1 for one in concepts("role"))


def test_the_sectors_are_the_ten_divisions_of_cofog() -> None:
    data = graph("sector")
    codes = {str(data.value(one, DCTERMS.identifier)): one for one in concepts("sector")}
    assert sorted(codes) == [f"{number:02}" for number in range(1, 11)]
    for code, sector in codes.items():
        match = URIRef(f"http://linked.data.gov.au/def/cofog/{code}")
        assert list(data.objects(sector, SKOS.exactMatch)) == [match]


def test_a_hypothesis_names_a_barrier_a_step_or_criterion_and_whose_guess_it_is() -> None:
    shapes = Graph()
    for path in sorted((TOP / "shapes" / "stages").glob("*.ttl")):
        shapes.parse(path)
    criteria = set(shapes.subjects(RDF.type, CP.Criterion))
    data = graph("hypotheses")
    every = set(data.subjects(RDF.type, CP.Hypothesis))
    assert every == set(data.objects(URIRef(f"{HOME}hypotheses"), SKOS.member))
    for one in every:
        assert data.value(one, CP.barrier) in concepts("barrier")
        step, criterion = data.value(one, CP.step), data.value(one, CP.blocksCriterion)
        assert (step is None) != (criterion is None)
        assert step in concepts("step") or criterion in criteria
        assert data.value(one, CP.basis) in concepts("basis")
        assert all(list(data.objects(one, each)) for each in (RDFS.label, RDFS.comment))


def test_only_the_demand_for_coordination_is_a_sourced_hypothesis() -> None:
    data = graph("hypotheses")
    sourced = set(data.subjects(DCTERMS.source, BRIEF))
    demand = URIRef(f"{HOME}barrier/coordination-communication-demand")
    assert sourced == set(data.subjects(CP.barrier, demand))
    inferred = URIRef(f"{HOME}basis/project-inference")
    assert set(data.subjects(CP.basis, inferred)) == set(data.subjects(CP.barrier)) - sourced


def test_every_country_has_labels_and_the_code_of_its_iri() -> None:
    data = graph("country")
    for country in concepts("country"):
        assert languages(data.objects(country, SKOS.prefLabel)) == list(LANGUAGES)
        assert str(data.value(country, SKOS.notation)) == country.rpartition("/")[2]
        assert re.fullmatch("[A-Z]{2}", str(data.value(country, DCTERMS.identifier)))
    used = {row["country"] for row in table(CODING / "organisations.csv")} - {""}
    assert used <= {str(one) for one in data.objects(None, SKOS.notation)}
