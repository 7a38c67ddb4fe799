"""Claims about updates that the engine reads otherwise: they are spelt so that it does not."""

import pyoxigraph as ox
import pytest

from coprod_kg.sparql.update_dialect import rewrite_update


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (
            "INSERT DATA { <urn:a> <urn:p> 1 };\nPREFIX : <urn:>\nINSERT DATA { :b :p 2 }",
            "PREFIX : <urn:> INSERT DATA { :a :p 1 . :b :p 2 }",
        ),
        (
            "BASE <http://b.org/> PREFIX x: <x#> INSERT DATA { x:a x:p <c> }; PREFIX y: <y#> "
            "PREFIX x: <x#> INSERT DATA { y:a x:p 'PREFIX z: <urn:>' } ;",
            "BASE <http://b.org/> PREFIX x: <x#> PREFIX y: <y#> "
            "INSERT DATA { x:a x:p <c> . y:a x:p 'PREFIX z: <urn:>' }",
        ),
        ("INSERT DATA { GRAPH <urn:g> { <urn:a> <urn:p> 1 } }; CLEAR ALL", "CREATE GRAPH <urn:g>"),
        ("CREATE GRAPH <urn:g>; clear silent # all\n all", "CREATE GRAPH <urn:g>"),
    ],
)
def test_an_update_that_is_spelt_otherwise_does_what_it_says(text: str, same: str) -> None:
    found, wanted = ox.Store(), ox.Store()
    found.update(rewrite_update(text))
    wanted.update(same)
    assert set(found) == set(wanted)
    assert set(found.named_graphs()) == set(wanted.named_graphs())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PREFIX",
        "; PREFIX x:",
        "PREFIX x: <urn:> INSERT DATA { x:a x:p 'CLEAR ALL' }",
        "INSERT DATA { <urn:CLEAR> <urn:ALL> 1 } # CLEAR ALL",
        "CLEAR GRAPH <urn:all>",
        "CLEAR",
        "CLEAR SILENT",
        "PREFIX x: <urn:> CREATE GRAPH x:a; PREFIX x: <urn:other:> CREATE GRAPH x:a",
        "CREATE GRAPH <urn:a>; BASE <http://b.org/> CREATE GRAPH <b>",
        "SELECT * { ?s ?p ?o }",
    ],
)
def test_what_the_engine_reads_as_it_is_or_cannot_be_helped_stays(text: str) -> None:
    assert rewrite_update(text) == text
