"""What the engine cannot do is told as that: 406 for a format, a breakdown as a breakdown."""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coprod_kg.errors import EngineFailed, NotAcceptable, QueryMemory
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Query, Update
from coprod_kg.store.formats import choose
from coprod_kg.store.local import LocalStore, serving
from coprod_kg.store.worker import AnswerWriter

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ROWS_XML, RDF_XML = "application/sparql-results+xml", "application/rdf+xml"
ROWS_JSON, JSON_LD = "application/sparql-results+json", "application/ld+json"
NO_ORDER = "VALUES ?x { '20' 19 '19' '8' 27 '28' '15' '21' '15' '8' 10 16 '27' '26' 14 13 19 7 12 "
NO_ORDER += "17 '3' }"
"""What the engine's own order of terms contradicts itself over."""


class Sink(AnswerWriter):
    """A file that keeps what is written to it."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: object, /) -> int:
        piece = bytes(data)  # type: ignore[call-overload]  # the engine gives bytes
        self.data += piece
        return len(piece)


def written(text: str, media_type: str) -> bytes:
    """The answer to a query over nothing."""
    sink = Sink()
    choose(ox.Store().query(text), (media_type,))[1](sink)
    return sink.data


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStore]:
    with serving(Settings(data=tmp_path_factory.mktemp("engine"), workers=1)) as service:
        service.store.commit(Change(replace={"urn:g": b"<urn:a> <urn:p> <urn:o> .\n"}))
        yield service.store


@pytest.mark.parametrize(
    ("text", "media_type", "why"),
    [
        (f"CONSTRUCT {{ <urn:a> <{RDF}li> 1 }} {{}}", RDF_XML, "rdf:li"),
        (f"CONSTRUCT {{ <urn:a> <{RDF}Description> 1 }} {{}}", RDF_XML, "a word of the syntax"),
        ("CONSTRUCT { <urn:a> <urn:p/> 1 } {}", RDF_XML, "<urn:p/> that does not end with a name"),
        ("CONSTRUCT { <urn:a> <urn:p:1> 1 } {}", RDF_XML, "<urn:p:1> that does not end"),
        (r"CONSTRUCT { <urn:a> <urn:p> 'a\u000Bb' } {}", RDF_XML, "U\\+000B"),
        (
            "CONSTRUCT { <urn:a> <urn:p> <<( <urn:a> <urn:p> 1 )>> } {}",
            JSON_LD,
            "a triple as a term",
        ),
        (r"SELECT ('\u0000' AS ?x) {}", ROWS_XML, "U\\+0000"),
        (r"SELECT ('\uFFFE' AS ?x) {}", ROWS_XML, "U\\+FFFE"),
        (r"SELECT ('x\u001F'@en AS ?x) {}", ROWS_XML, "U\\+001F"),
    ],
)
def test_what_a_format_cannot_carry_is_told_and_the_worker_lives(
    store: LocalStore, text: str, media_type: str, why: str
) -> None:
    with pytest.raises(NotAcceptable, match=why) as caught:
        store.query(Query(text, (media_type,)))
    assert "N-Triples" in str(caught.value.fix)
    other = ("text/turtle", ROWS_JSON)
    assert store.query(Query(text, other)).read()


def test_what_begins_as_a_bad_character_may_be_a_good_one() -> None:
    text = "SELECT ?x { VALUES ?x { " + "'\uff5e\ufffd￮' " * 20_000 + "} }"
    root = ElementTree.fromstring(written(text, ROWS_XML))
    assert "".join(root.itertext()).strip() == "\uff5e\ufffd￮" * 20_000


@pytest.mark.parametrize("media_type", [ROWS_XML, RDF_XML])
def test_a_carriage_return_survives_xml(media_type: str) -> None:
    text = {
        ROWS_XML: r"SELECT ('a\r\nb\rc' AS ?x) {}",
        RDF_XML: r"CONSTRUCT { <urn:a> <urn:p> 'a\r\nb\rc' } {}",
    }[media_type]
    data = written(text, media_type)
    assert "".join(ElementTree.fromstring(data).itertext()).strip() == "a\r\nb\rc"


CHARACTERS = st.text(max_size=6).filter(lambda text: not any(c in "\\'\"" for c in text))
PREDICATES = st.from_regex(r"[a-zé·0-9:/#.~_-]{0,6}", fullmatch=True)


@given(CHARACTERS, PREDICATES)
@settings(max_examples=150, deadline=None)
def test_xml_is_readable_or_refused(text: str, name: str) -> None:
    term = f'"""{text}"""'
    row = f"SELECT ({term} AS ?x) {{}}"
    graph = f"CONSTRUCT {{ <urn:a> <urn:{name}> {term} }} {{}}"
    for query, media_type in ((row, ROWS_XML), (graph, RDF_XML)):
        try:
            data = written(query, media_type)
        except (NotAcceptable, SyntaxError):
            continue
        read_again = "".join(ElementTree.fromstring(data).itertext())
        assert text in read_again
        if media_type == RDF_XML:
            [quad] = ox.parse(data, ox.RdfFormat.RDF_XML)
            assert quad.predicate.value == f"urn:{name}"


def test_a_breakdown_of_the_engine_is_told_as_that(store: LocalStore) -> None:
    text = f"SELECT ?x {{ {NO_ORDER} }} ORDER BY ?x"
    with pytest.raises(EngineFailed, match="total order") as caught:
        store.query(Query(text, ("text/csv",)))
    assert "memory" not in str(caught.value)
    assert caught.value.status == 500
    assert json.loads(store.query(Query("ASK {}", (ROWS_JSON,))).read())["boolean"]


def test_a_breakdown_over_an_update_is_told_as_that(store: LocalStore) -> None:
    before = store.version()
    with pytest.raises(EngineFailed, match="total order"):
        store.update(
            Update(
                "INSERT { <urn:a> <urn:p> ?x } WHERE { SELECT ?x { "
                f"{NO_ORDER} }} ORDER BY ?x }}"
            )
        )
    assert store.version() == before


def test_memory_that_is_used_up_is_told_as_that(tmp_path: Path) -> None:
    chosen = Settings(data=tmp_path, workers=1, query_memory_mb=64)
    numbers = " ".join(map(str, range(2000)))
    text = f"SELECT * {{ VALUES ?a {{ {numbers} }} VALUES ?b {{ {numbers} }} }} ORDER BY ?a ?b"
    with serving(chosen) as service, pytest.raises(QueryMemory):
        service.store.query(Query(text, ("text/csv",)))
