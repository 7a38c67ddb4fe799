"""The screen leaves out no finding: reports with it are those of pySHACL over everything."""

import random
from collections.abc import Sequence
from functools import cache
from typing import Any

import pyoxigraph as ox
import pyshacl
import pytest
import rdflib

from benchmarks.generate import organisation
from coprod_kg.model.files import files
from coprod_kg.model.graph import Graph
from coprod_kg.model.installed import Model
from coprod_kg.reasoning.rules import Rules
from coprod_kg.validation.decided import Run
from coprod_kg.validation.patterns import ConstraintQuery
from coprod_kg.validation.report import Finding, Severity
from coprod_kg.validation.screen import Screen
from coprod_kg.validation.shacl import Shapes
from coprod_kg.validation.view import rdflib_triple

BASE = "https://w3id.org/coprod/"
XSD = "http://www.w3.org/2001/XMLSchema#"
VALUES: tuple[ox.Literal | ox.NamedNode, ...] = (
    *(ox.Literal(text) for text in ("", " ", "x", "2021")),
    *(ox.Literal("x", language=tag) for tag in ("en", "en-GB", "da")),
    *(
        ox.Literal(text, datatype=ox.NamedNode(XSD + kind))
        for text, kind in (
            *(("2021", "gYear"), ("99", "gYear"), ("2021-13", "gYearMonth"), ("2021-12", "gYear")),
            *(("2021-02-30", "date"), ("20210203", "date"), ("2021-02-03Z", "date")),
            *(("0", "integer"), ("+5", "integer"), ("x", "integer"), ("5.0", "decimal")),
            *(("1", "boolean"), ("true", "boolean"), ("2021-02-03T00:00:00", "dateTime")),
        )
    ),
    *(
        ox.NamedNode(f"{BASE}{path}")
        for path in ("vocab/stage/culture", "vocab/finding/not-found", "id/evidence/nowhere")
    ),
)


@cache
def shapes() -> Shapes:
    model = Model.installed()
    rules = Rules(model.rules, model.background)
    return Shapes(model.submission.triples(), rules.background, f"{BASE}id/")


def model_background() -> list[ox.Triple]:
    return Rules(Model.installed().rules, Model.installed().background).background


@cache
def model_graphs() -> tuple[list[Any], list[Any]]:
    """The background and the shapes as rdflib has them."""
    background = [
        rdflib_triple(triple)
        for triple in model_background()
        if not (isinstance(triple.object, ox.Literal) and triple.object.language)
    ]
    return background, [rdflib_triple(triple) for triple in Model.installed().submission.triples()]


def unscreened(triples: Sequence[ox.Triple]) -> tuple[Finding, ...]:
    """The findings of pySHACL, which looks at every shape and every node by itself."""
    data, graph = rdflib.Graph(), rdflib.Graph()
    background, statements = model_graphs()
    for triple in (*background, *map(rdflib_triple, triples)):
        data.add(triple)
    for triple in statements:
        graph.add(triple)
    _, results, _ = pyshacl.validate(data, shacl_graph=graph, inplace=True)
    return shapes().findings(results, Graph(triples))


def parsed(text: str) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE, base_iri=BASE)]


def changed(triples: Sequence[ox.Triple], chance: random.Random) -> list[ox.Triple]:
    """The statements with some of them left out, doubled or given another value."""
    changed = list(triples)
    for _ in range(len(triples) // 10):
        place = chance.randrange(len(changed))
        triple, other = changed[place], chance.choice(changed)
        value = chance.choice((*VALUES, other.object))
        changed[place : place + 1] = chance.choice(
            (
                [],
                [ox.Triple(triple.subject, triple.predicate, value)],
                [triple, ox.Triple(triple.subject, triple.predicate, value)],
                [triple, ox.Triple(other.subject, triple.predicate, triple.object)],
            )
        )
    return list(dict.fromkeys(changed))


@pytest.mark.parametrize("seed", range(5))
def test_reports_on_spoilt_data_are_those_of_pyshacl(seed: int) -> None:
    chance = random.Random(seed)
    spoilt = changed(parsed(organisation(seed, seed, 2)), chance)
    found = shapes().validate(spoilt)
    assert found
    assert found == unscreened(spoilt)


@pytest.mark.parametrize("name", ["gentofte-kommune", "ryhov-county-hospital"])
def test_reports_on_examples_are_those_of_pyshacl(name: str) -> None:
    triples = parsed((files("examples") / "cases" / f"{name}.ttl").read_text("utf-8"))
    assert shapes().validate(triples) == unscreened(triples)


def test_what_certainly_violates_a_shape_with_words_is_not_left_to_pyshacl() -> None:
    graph = Graph(
        parsed(
            """PREFIX sh: <http://www.w3.org/ns/shacl#>
            <urn:shape> a sh:NodeShape ; sh:targetClass <urn:Kind> ;
                sh:property <urn:told>, <urn:of-value>, <urn:silent> .
            <urn:told> sh:path <urn:p> ; sh:minCount 1 ; sh:severity sh:Info ;
                sh:message "Say it."@en , "Sig det."@da .
            <urn:of-value> sh:path [ sh:inversePath <urn:q> ] ; sh:class <urn:Other> ;
                sh:message "Another one." .
            <urn:silent> sh:path <urn:p> ; sh:minCount 1 ."""
        )
    )
    thing, other = ox.NamedNode("urn:thing"), ox.NamedNode("urn:other")
    data = parsed("<urn:thing> a <urn:Kind> . <urn:other> <urn:q> <urn:thing> .")
    screened = Screen(graph).screened(Graph(data))
    assert screened.nodes_for_pyshacl == {ox.NamedNode("urn:silent"): [thing]}
    component = "http://www.w3.org/ns/shacl#{}ConstraintComponent".format
    assert screened.findings == [
        Finding(
            Severity.INFO, "urn:thing", "urn:p", None, "Say it.", "urn:told", component("MinCount")
        ),
        Finding(
            Severity.VIOLATION,
            "urn:thing",
            "^urn:q",
            str(other),
            "Another one.",
            "urn:of-value",
            component("Class"),
        ),
    ]


def test_a_constraint_that_the_screen_does_not_know_is_left_to_pyshacl() -> None:
    graph = Graph(
        parsed(
            """PREFIX sh: <http://www.w3.org/ns/shacl#>
            <urn:shape> a sh:NodeShape ; sh:targetClass <urn:Kind> ;
                sh:property <urn:known>, <urn:new> .
            <urn:known> sh:path <urn:p> ; sh:maxCount 1 .
            <urn:new> sh:path <urn:p> ; sh:maxLength 3 .
            <urn:other> a sh:NodeShape ; sh:targetObjectsOf <urn:p> ; sh:nodeKind sh:IRI ."""
        )
    )
    thing, kind = ox.NamedNode("urn:thing"), ox.NamedNode("urn:Kind")
    triples = [
        ox.Triple(thing, ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type"), kind),
        ox.Triple(thing, ox.NamedNode("urn:p"), ox.Literal("long text")),
    ]
    assert Screen(graph).screened(Graph(triples)).nodes_for_pyshacl == {
        ox.NamedNode("urn:new"): [thing],
        ox.NamedNode("urn:other"): None,
    }


@pytest.mark.parametrize(
    ("start", "end", "is_left"),
    [
        ("2020-05", "2020", False),
        ("2020", "2021-02-03", False),
        ("2021", "2020", True),
        ("2020", "2020-01-01Z", True),  # what is written otherwise than usual is not decided here
    ],
)
def test_a_query_that_finds_nothing_is_not_left_to_pyshacl(
    start: str, end: str, is_left: bool
) -> None:
    kinds = {4: "gYear", 7: "gYearMonth"}
    text = f"""PREFIX cp: <{BASE}ontology#> PREFIX xsd: <{XSD}>
        <id/initiative/a> cp:startDate "{start}"^^xsd:{kinds.get(len(start), "date")} ;
            cp:endDate "{end}"^^xsd:{kinds.get(len(end), "date")} ."""
    screen = Screen(Model.installed().submission)
    left = screen.screened(Graph(parsed(text), Graph(model_background()))).nodes_for_pyshacl
    shape = ox.NamedNode(f"{BASE}shapes#InitiativeDates-order")
    assert (shape in left) is is_left


def test_a_query_that_only_rdflib_reads_is_left_to_pyshacl() -> None:
    thing, path = ox.NamedNode("urn:thing"), ox.NamedNode("urn:p")
    run = Run(Graph([ox.Triple(thing, path, ox.Literal("x"))]))
    impossible = "FILTER (?value = 'y')"
    read = f"SELECT $this ?value WHERE {{ $this <urn:p> ?value {impossible} }}"
    assert not ConstraintQuery(read).may_have_solution(run, thing)
    assert ConstraintQuery(f"{read} GROUP BY $this").may_have_solution(run, thing)


def test_a_query_whose_binding_holds_a_pattern_is_asked_over_the_properties_of_that_too() -> None:
    thing, value = ox.NamedNode("urn:thing"), ox.Literal("x")
    named, marked = ox.NamedNode("urn:named"), ox.NamedNode("urn:marked")
    query = ConstraintQuery(
        """SELECT $this WHERE { $this <urn:named> ?name
            BIND (UCASE(?name) AS ?upper) BIND (EXISTS { $this <urn:marked> ?mark } AS ?found)
            FILTER (?found && ?upper = "X") }"""
    )
    triples = [ox.Triple(thing, named, value), ox.Triple(thing, marked, value)]
    assert query.may_have_solution(Run(Graph(triples)), thing)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT $this WHERE { FILTER NOT EXISTS { $this ?any <urn:other> } }",
        "SELECT $this WHERE { FILTER NOT EXISTS { $this <urn:p>|<urn:q> ?value } }",
        "SELECT $this ?v WHERE { $this <urn:q> ?v FILTER NOT EXISTS { $this <urn:p> ?v } }",
    ],
)
def test_what_a_query_denies_of_things_that_it_does_not_name_is_not_guessed(text: str) -> None:
    thing, value = ox.NamedNode("urn:thing"), ox.Literal("x")
    triples = [ox.Triple(thing, ox.NamedNode("urn:p"), value)]
    if "$this <urn:q> ?v" in text:
        triples.append(ox.Triple(thing, ox.NamedNode("urn:q"), ox.Literal("y")))
    elif "|" in text:
        triples.clear()
    assert ConstraintQuery(text).may_have_solution(Run(Graph(triples)), thing)
