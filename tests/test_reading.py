"""What cannot be read is refused with a clear word, and what can is read the same way always.

The texts of the refusals are in ``errors/``; ``COPROD_REFRESH=1`` writes them anew, to be read in
the difference.
"""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coprod_kg.errors import Unreadable, UnsupportedMedia
from coprod_kg.ingest import rdf
from coprod_kg.ingest.outcome import Checked, SubmittedFile
from coprod_kg.ingest.rdf_formats import FORMATS, RdfSyntax, format_of
from coprod_kg.ingest.sandbox import check
from coprod_kg.settings import Settings

ERRORS = Path(__file__).parent / "errors"
BASE = "https://w3id.org/coprod/"
RDF_XML = b"""<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
         xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#">
  <rdf:Description rdf:about="https://w3id.org/coprod/id/agent/x">
    <rdfs:label>%s</rdfs:label>
  </rdf:Description>
</rdf:RDF>
"""
BOMB = (
    b'<?xml version="1.0"?>\n<!DOCTYPE rdf:RDF [\n<!ENTITY a0 "ha">\n'
    + b"".join(b'<!ENTITY a%d "%s">\n' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
    + b"]>\n"
    + RDF_XML.partition(b"\n")[2] % b"&a11;"
)
TURTLE = (
    '@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\n\n<id/agent/x> rdfs:label "Åse" .\n'
)
CASES: dict[str, tuple[str, bytes]] = {
    "turtle-no-object": ("a.ttl", b"<id/agent/x>\n  <urn:p> .\n"),
    "turtle-unknown-prefix": ("a.ttl", b"\n\n<id/agent/x> cp:about 1 .\n"),
    "turtle-bad-iri": ("a.ttl", b"<id/agent/x y> <urn:p> 1 .\n"),
    "trig-open-graph": ("a.trig", b"<urn:g> { <urn:s> <urn:p> 1 .\n"),
    "ntriples-relative-iri": ("a.nt", b"<urn:s> <urn:p> <urn:o> .\n<s> <urn:p> <urn:o> .\n"),
    "ntriples-holds-turtle": ("a.nt", TURTLE.encode()),
    "nquads-too-many": ("a.nq", b"<urn:s> <urn:p> <urn:o> <urn:g> <urn:h> .\n"),
    "jsonld-no-comma": ("a.jsonld", b'{\n  "@id": "urn:s"\n  "urn:p": 1\n}\n'),
    "jsonld-holds-turtle": ("a.jsonld", TURTLE.encode()),
    "rdfxml-no-namespaces": ("a.rdf", b"<a>\n  <b/>\n</a>\n"),
    "rdfxml-cut-off": ("a.rdf", RDF_XML.removesuffix(b"</rdf:RDF>\n") % b"x"),
    "rdfxml-doctype": (
        "a.rdf",
        b'<?xml version="1.0"?>\n<!DOCTYPE a SYSTEM "file:///etc/passwd">\n',
    ),
    "rdfxml-entity-bomb": ("a.rdf", BOMB),
    "unknown-format": ("a.docx", b"something"),
    "no-ending": ("README", b"something"),
    "empty": ("a.ttl", b""),
    "only-space": ("a.ttl", b"\n \n"),
    "no-statement": ("a.ttl", b"# nothing yet\n@prefix a: <urn:a:> .\n"),
    "jsonld-no-statement": ("a.jsonld", b"{}"),
    "windows-1252": ("a.ttl", TURTLE.encode("cp1252")),
    "utf-16": ("a.ttl", TURTLE.encode("utf-16")),
    "utf-16-no-mark": ("a.ttl", TURTLE.encode("utf-16-le")),
    "workbook-as-turtle": ("a.ttl", b"PK\x03\x04" + bytes(200)),
    "web-page-as-turtle": ("a.ttl", b"<!DOCTYPE html>\n<html><body>Not found</body></html>\n"),
    "pdf-as-rdfxml": ("a.rdf", b"%PDF-1.7 ..."),
    "triple-term": ("a.ttl", b"<urn:s> <urn:p> <<( <urn:a> <urn:b> 1 )>> .\n"),
    "text-with-direction": ("a.ttl", b'<urn:s> <urn:p> "a"@ar--rtl .\n'),
    "turtle-nested-deeply": (
        "a.ttl",
        b"<urn:s> <urn:p> " + b"<<( <urn:a> <urn:b> " * 100_000 + b"1" + b" )>>" * 100_000 + b" .",
    ),
    "jsonld-nested-deeply": ("a.jsonld", b'{"urn:p":' * 100_000 + b"1" + b"}" * 100_000),
}


@pytest.fixture(scope="module")
def refused() -> dict[str, Checked]:
    """All cases at once, as one submission of many files would be."""
    sent = [SubmittedFile(name, content) for name, content in CASES.values()]
    return dict(zip(CASES, check(sent, Settings.load({}, {})), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_read_is_refused_with_a_clear_word(
    case: str, refused: dict[str, Checked]
) -> None:
    error = refused[case].refusal
    assert error is not None
    golden = ERRORS / f"{case}.txt"
    if os.environ.get("COPROD_REFRESH") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(f"{error}\n", encoding="utf-8")
    assert f"{error}\n" == golden.read_text(encoding="utf-8")
    assert (refused[case].data, refused[case].inferred) == (b"", b"")


@pytest.fixture
def listener() -> Iterator[tuple[int, list[object]]]:
    """A port on which every connection is noted."""
    heard: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        stop = threading.Event()

        def listen() -> None:
            while not stop.is_set():
                try:
                    connection, address = server.accept()
                except TimeoutError:
                    continue
                heard.append(address)
                connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        yield server.getsockname()[1], heard
        stop.set()
        thread.join()


def test_no_link_in_a_file_is_followed(listener: tuple[int, list[object]]) -> None:
    port, heard = listener
    url = f"http://127.0.0.1:{port}/"
    about = '"@id": "id/agent/x", "http://www.w3.org/2000/01/rdf-schema#label": "x"'
    sent = [
        SubmittedFile("a.jsonld", f'{{"@context": "{url}", {about}}}'.encode()),
        SubmittedFile("b.jsonld", f'{{"@context": {{"@import": "{url}"}}, {about}}}'.encode()),
        SubmittedFile(
            "c.ttl", f"<id/agent/x> <http://www.w3.org/2002/07/owl#imports> <{url}> .".encode()
        ),
        SubmittedFile("d.rdf", f'<!DOCTYPE a SYSTEM "{url}">'.encode() + RDF_XML % b"x"),
    ]
    remote, imported, read, doctype = check(sent, Settings.load({}, {}))
    assert remote.refusal is not None
    assert remote.refusal.what.startswith("its @context is on another server")
    assert imported.refusal is not None
    assert (read.refusal, read.triples) == (None, 1)
    assert doctype.refusal is not None
    assert heard == []


SAME = '<urn:s> <urn:p> "Åse"@en , _:b . _:b <urn:q> 1 .'
WRITTEN = [
    ("a.ttl", SAME.encode()),
    ("a.ttl", b"\xef\xbb\xbf" + SAME.encode()),
    ("a.trig", f"<urn:g> {{ {SAME} }}".encode()),
]


def statements(name: str, content: bytes) -> list[ox.Triple]:
    return rdf.skolemised(rdf.read(content, name, format_of(name), BASE).triples, BASE)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_every_format_gives_the_same_statements(form: RdfSyntax) -> None:
    expected = statements("a.ttl", SAME.encode())
    quads = [ox.Quad(*one) for one in expected]
    written = ox.serialize(quads, format=form.rdf)
    assert written is not None
    assert statements(f"a.{form.extensions[0]}", written) == expected


@pytest.mark.parametrize(("name", "content"), WRITTEN)
def test_marks_and_names_of_graphs_change_nothing(name: str, content: bytes) -> None:
    assert statements(name, content) == statements("a.ttl", SAME.encode())


def test_a_relative_iri_is_resolved_against_the_base() -> None:
    [one] = statements("a.ttl", b"<id/agent/x> a <http://www.w3.org/ns/prov#Agent> .")
    assert str(one.subject) == f"<{BASE}id/agent/x>"


def test_a_blank_node_gets_the_same_iri_whatever_it_is_called() -> None:
    first = statements("a.ttl", b"<urn:s> <urn:p> _:x . _:x <urn:q> 1 .")
    second = statements("a.ttl", b"_:y <urn:q> 1 . <urn:s> <urn:p> _:y .")
    assert first == second
    assert all("_:" not in str(one) for one in first)


@pytest.mark.parametrize(
    ("name", "stated", "found"),
    [
        ("a.TTL", None, "Turtle"),
        ("a.json", None, "JSON-LD"),
        ("a", "text/turtle; charset=utf-8", "Turtle"),
        ("a.txt", "N-Triples", "N-Triples"),
        ("a.ttl", "application/rdf+xml", "RDF/XML"),
    ],
)
def test_what_is_stated_wins_over_the_name(name: str, stated: str | None, found: str) -> None:
    assert format_of(name, stated).name == found


def test_an_unknown_format_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        format_of("a.ttl", "text/csv")
    assert all(one.name in str(caught.value) for one in FORMATS)


@given(st.binary(max_size=300), st.sampled_from(FORMATS))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_statements_or_unreadable(content: bytes, form: RdfSyntax) -> None:
    with suppress(Unreadable):
        assert rdf.skolemised(rdf.read(content, "a", form, BASE).triples, BASE)


PIECES = """
<urn:s> <urn:p> "x" @en . ; [ ] ( ) _:b 1 { } <<( )>> @prefix a: <urn:a:> a:b \\ é < {"@id": :
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"> </rdf:RDF> <a/>
"""
pieces = st.sampled_from([*PIECES.split(), "\n", '"' * 3])


@given(st.lists(pieces, max_size=30).map(" ".join), st.sampled_from(FORMATS))
@settings(max_examples=150, deadline=None)
def test_any_pieces_of_syntax_are_statements_or_unreadable(text: str, form: RdfSyntax) -> None:
    with suppress(Unreadable):
        assert rdf.skolemised(rdf.read(text.encode(), "a", form, BASE).triples, BASE)
