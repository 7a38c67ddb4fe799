"""What an update can write is read from its tokens, and never less than what it does write."""

import random

import pyoxigraph as ox
import pytest

from coprod_kg.sparql.update_bindings import graph_bindings
from coprod_kg.sparql.update_targets import written_graphs
from coprod_kg.store.base import DEFAULT_GRAPH
from coprod_kg.store.graph_diff import changed
from coprod_kg.store.updater import bound_graphs

GRAPHS = tuple(f"urn:g:{number}" for number in range(4))


def store(seed: int = 0) -> ox.Store:
    chance, made = random.Random(seed), ox.Store()
    for graph in GRAPHS[:3]:
        node = ox.NamedNode(graph)
        made.extend(quad(chance, node) for _ in range(chance.randrange(1, 6)))
    made.extend(quad(chance, ox.DefaultGraph()) for _ in range(3))
    return made


def quad(chance: random.Random, graph: ox.NamedNode | ox.DefaultGraph) -> ox.Quad:
    subject = ox.NamedNode(f"urn:s:{chance.randrange(3)}")
    return ox.Quad(subject, ox.NamedNode("urn:p"), ox.Literal(chance.randrange(3)), graph)


@pytest.mark.parametrize(
    ("text", "graphs"),
    [
        ("INSERT DATA { GRAPH <urn:g> { <urn:a> <urn:p> 1 } }", ("urn:g",)),
        ('INSERT DATA { <urn:a> <urn:p> \'GRAPH ?g\', """; CLEAR ALL""" }', ()),
        ("WITH <urn:a> DELETE { ?s ?p 1 } WHERE { GRAPH ?g { ?s ?p 1 FILTER(?s<2) } }", ("urn:a",)),
        ("DROP SILENT GRAPH <urn:b>; # or\nCLEAR GRAPH <urn:c>; CLEAR DEFAULT", ("urn:b", "urn:c")),
        ("DELETE WHERE { GRAPH <urn:g> { ?s ?p ?o } }", ("urn:g",)),
        ("PREFIX x: <urn:x#> DELETE { x:a x:b ?o } WHERE { GRAPH x:g { ?s ?p ?o } }", ()),
    ],
)
def test_graphs_written_out_are_found(text: str, graphs: tuple[str, ...]) -> None:
    assert written_graphs(text) == graphs


@pytest.mark.parametrize(
    "text",
    [
        "INSERT { GRAPH ?g { ?s ?p 1 } } WHERE { GRAPH ?g { ?s ?p 2 } }",
        "DELETE WHERE { GRAPH ?g { ?s ?p ?o } }",
        "PREFIX x: <urn:> INSERT DATA { GRAPH x:g { x:a x:b 1 } }",
        "PREFIX x: <urn:> INSERT DATA { GRAPHx:g{ x:a x:b 1 } }",
        "CLEAR ALL",
        "CLEARALL",
        "DROP NAMED",
        "COPY <urn:a> TO <urn:b>",
        "ADD DEFAULT TO <urn:b>",
        "INSERT DATA { GRAPH <g> { <urn:a> <urn:p> 1 } }",
        "INSERT DATA { GRAPH <urn:\\u0067> { <urn:a> <urn:p> 1 } }",
        "INSERT DATA { GRAPH <urn:a/../b> { <urn:a> <urn:p> 1 } }",
        "PREFIX urn: <urn:> INSERT { urn:a urn:b 1 } WHERE { FILTER(1<urn:x#>{\n2) } ; CLEAR ALL",
        "INSERT DATA { <urn:a> <urn:b> 'open",
    ],
)
def test_where_it_is_uncertain_nothing_is_said(text: str) -> None:
    assert written_graphs(text) is None


PIECES = (
    *("GRAPH <urn:g:0>", "GRAPH <urn:g:1>", "GRAPH ?g", "GRAPH x:2", "GRAPHx:2", "graph<urn:g:3>"),
    *("{", "}", "{", "}", "(", ")", ".", ";", ";\n", " ", " ", "\n", "'", '"', "<", "#", "# a\n"),
    *("?s ?p ?o", "<urn:s:0> <urn:p> 1", "x:a x:p '}'", '<urn:s:1> x:p "{"', "?s a ?o"),
    *("INSERT", "DELETE", "INSERT DATA", "DELETE DATA", "WHERE", "DELETEWHERE", "WITH <urn:g:2>"),
    *("CLEAR ALL", "CLEARALL", "DROP NAMED", "CLEAR GRAPH <urn:g:0>", "DROP DEFAULT", "ADD"),
    *("USING <urn:g:0>", "USING NAMED <urn:g:1>", "COPY <urn:g:0> TO <urn:g:3>", "TO x:1"),
    *("FILTER(?o<2)", "FILTER(1<urn:a#>", "1<x:a>2", "BIND(<urn:g:1> AS ?g)", "VALUES ?g { x:0 }"),
)


def scramble(chance: random.Random) -> str:
    """An update that says something, with pieces put in, taken out and glued."""
    quads = chance.choice(("GRAPH <urn:g:0> { @A }", "@A", "GRAPH ?g { @A }", "GRAPH x:1 { @A }"))
    where = chance.choice(("GRAPH ?g { ?s ?p ?o }", "?s ?p ?o", "GRAPH <urn:g:1> { ?s ?p ?o }"))
    forms = (
        "INSERT { @Q } WHERE { @W }",
        "DELETE { @Q } INSERT { @Q } WHERE { @W }",
        "WITH <urn:g:2> DELETE { ?s ?p ?o } WHERE { @W FILTER ( ?o < 2 ) }",
        "DELETE WHERE { @W }",
        "INSERT DATA { GRAPH <urn:g:3> { <urn:s:9> <urn:p> 'GRAPH ?g { } # ' } }",
        "CLEAR GRAPH <urn:g:0>",
        "MOVE SILENT <urn:g:0> TO <urn:g:1>",
    )
    text = " ; ".join(chance.choices(forms, k=chance.randrange(1, 3))).replace("@Q", quads)
    text = text.replace("@A", chance.choice(("?s ?p 7", "x:a x:p ?o"))).replace("@W", where)
    words = ["PREFIX x: <urn:g:>", *text.split(" ")]
    words[:0] = ["PREFIX urn: <urn:>"] if chance.random() < 0.1 else []
    for _ in range(chance.randrange(3)):
        place = chance.randrange(len(words) + 1)
        words[place : place + chance.randrange(2)] = [chance.choice(PIECES)]
    glue = chance.random() * 0.2
    return "".join(one + ("" if chance.random() < glue else " ") for one in words)


def test_no_update_changes_a_graph_that_was_not_told() -> None:
    chance, certain, valid = random.Random(5), 0, 0
    for number in range(6_000):
        text = scramble(chance)
        before, after = store(number), store(number)
        try:
            after.update(text)
        except (SyntaxError, ValueError, RuntimeError):
            continue
        told = written_graphs(text)
        everything = dict(changed(before, after, None))
        valid += 1
        certain += told is not None
        if told is not None:
            assert set(everything) <= {DEFAULT_GRAPH, *told}, text
            assert dict(changed(before, after, told)) == everything, text
    assert valid > 500
    assert certain > 200


_PATTERNS = (
    "GRAPH ?g { ?s ?p 1 }",
    "GRAPH ?g { ?s ?p ?n } FILTER (?n > 1)",
    "GRAPH ?g { ?s ?p 1 } FILTER NOT EXISTS { GRAPH ?h { ?s ?p 2 } }",
    "?s ?p 1 BIND (IRI(CONCAT('urn:g:', STR(?s))) AS ?g)",
    "?s ?p 1 GRAPH ?g { ?s ?p ?n }",
    "VALUES ?g { <urn:g:1> <urn:new> } ?s ?p 2",
    "GRAPH ?g { ?s ?p ?n } GRAPH ?h { ?s ?p 0 }",
)
_DATASETS = (
    "",
    "USING <urn:g:1> ",
    "USING <urn:g:0> USING NAMED <urn:g:2> ",
    "USING NAMED <urn:g:1> ",
)


@pytest.mark.parametrize("pattern", _PATTERNS)
def test_graphs_that_a_variable_stands_for_are_found_before_the_update_is_run(pattern: str) -> None:
    found = 0
    for seed in range(12):
        for dataset in _DATASETS:
            for begin in ("", "WITH <urn:g:2> "):
                text = (
                    f"{begin}DELETE {{ GRAPH ?g {{ ?s ?p 1 }} }} INSERT {{ GRAPH ?g {{ ?s ?p 9 }} "
                    f"GRAPH <urn:g:3> {{ ?s ?p 8 }} ?s ?p 7 }} {dataset}WHERE {{ {pattern} }}"
                )
                before, after = store(seed), store(seed)
                bound = bound_graphs(before, text, "urn:base:")
                after.update(text)
                differing = {graph for graph, _ in changed(before, after, None)} - {DEFAULT_GRAPH}
                assert bound is not None
                assert differing <= bound, text
                found += bool(differing - {"urn:g:2", "urn:g:3"})
    assert found


@pytest.mark.parametrize(
    "text",
    [
        "INSERT { GRAPH ?g { ?s ?p 1 } } WHERE { ?s ?p 1 BIND (IRI(STRUUID()) AS ?g) }",
        "INSERT { GRAPH ?g { ?s ?p 1 } } WHERE { SERVICE <urn:x> { ?s ?p ?g } }",
        "DELETE WHERE { GRAPH ?g { ?s ?p 1 } } ; DELETE WHERE { GRAPH ?g { ?s ?p 2 } }",
        "PREFIX x: <urn:x#> INSERT { GRAPH ?g { ?s ?p 1 } } USING x:a WHERE { ?s ?p 2 }",
        "MOVE DEFAULT TO <urn:a>",
    ],
)
def test_graphs_that_cannot_be_asked_for_beforehand_are_all_compared(text: str) -> None:
    assert graph_bindings(text) is None
