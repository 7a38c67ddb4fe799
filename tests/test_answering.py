"""Claims about admission: no reading of an admitted query calls another service."""

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import NamedNode, Quad, QuerySolutions, Store

from coprod_kg.errors import QueryRefused
from coprod_kg.settings import Settings
from coprod_kg.sparql.admission import admit

EVIL = "http://127.0.0.1:9/"  # the engine refuses this port itself: an error, never a connection
PROLOGUE = f"PREFIX ex: <{EVIL}> PREFIX : <{EVIL}> PREFIX service: <{EVIL}> SELECT * WHERE "
NOTHING = Settings()
ALLOWED = Settings(service_allow=("https://example.org/sparql",))


def refused(text: str, given: Settings = NOTHING) -> bool:
    try:
        admit(text, given)
    except QueryRefused:
        return True
    return False


def calls(text: str) -> bool:
    """Whether the engine itself tries to call the service when it answers."""
    store = Store()
    store.add(Quad(NamedNode("urn:s"), NamedNode("urn:p"), NamedNode("urn:o")))
    try:
        answer = store.query(text)
        if isinstance(answer, QuerySolutions):
            list(answer)
    except OSError:
        return True
    except (SyntaxError, ValueError, RuntimeError):
        return False
    return False


CALLS = [
    f"{{ SERVICE <{EVIL}> {{ ?a ?b ?c }} }}",
    f"{{ service<{EVIL}>{{?a ?b ?c}} }}",
    f"{{ SERVICE#here\n<{EVIL}>\t{{?a ?b ?c}} }}",
    f"{{ SERVICESILENT<{EVIL}>{{ ?a ?b ?c }} }}",
    "{ SERVICE ex:a { ?a ?b ?c } }",
    "{ SERVICEex:a { ?a ?b ?c } }",
    "{ SERVICE:a { ?a ?b ?c } }",
    "{ SERVICESILENTex:a { ?a ?b ?c } }",
    "{ SERVICE SILENT:a { ?a ?b ?c } }",
    f"{{ VALUES ?x {{ <{EVIL}> }} SERVICE ?x {{ ?a ?b ?c }} }}",
    f"{{ ?s ?p trueSERVICE <{EVIL}> {{ }} }}",
    "{ ?s ?p trueSERVICE:a { } }",
    f"{{ OPTIONAL {{ ?s ?p true}} BIND(1 AS ?x)SERVICE<{EVIL}>{{ ?a ?b ?c }} }}",
    f"{{ FILTER(1<2)SERVICE#>\n<{EVIL}>{{?a ?b ?c}} }}",
    f'{{ FILTER(1<2)#>"""\n SERVICE <{EVIL}>{{?a ?b ?c}} #"""\n }}',
    f"{{ FILTER(1<2)#>'''\n SERVICE <{EVIL}>{{?a ?b ?c}} #'''\n }}",
    "{ FILTER(1<2)#>GRAPH\n SERVICE:a {?a ?b ?c} }",
    f"{{ ?s ?p ?o FILTER EXISTS {{ SERVICE <{EVIL}> {{ ?a ?b ?c }} }} }}",
    f"{{ ?s ?p ?o . # it's\n SERVICE <{EVIL}> {{ ?a ?b ?c }} }}",
    f"{{ \\u0053ERVICE <{EVIL}> {{ ?a ?b ?c }} }}",
    f"{{ ?s ?p 'a' . \\U00000053ERVICE <{EVIL}> {{ ?a ?b ?c }} }}",
]


@pytest.mark.parametrize("body", CALLS)
def test_a_call_is_refused_however_it_is_written(body: str) -> None:
    assert refused(PROLOGUE + body)


SILENT = [
    f"{{ SERVICE SILENT <{EVIL}> {{ ?a ?b ?c }} }}",
    f"{{ service # here\n silent<{EVIL}>{{?a ?b ?c}} }}",
    "{ SERVICE SILENT ex:a { ?a ?b ?c } }",
    f"{{ VALUES ?x {{ <{EVIL}> }} SERVICE SILENT ?x {{ ?a ?b ?c }} }}",
    f"{{ SERVICE SILENT <{EVIL}> {{ SERVICE SILENT <{EVIL}> {{ ?a ?b ?c }} }} }}",
]


@pytest.mark.parametrize("body", SILENT)
def test_a_silent_call_that_is_refused_gives_one_solution_and_calls_nobody(body: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        there = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        text = f"PREFIX ex: <{there}> SELECT * " + body.replace(EVIL, there)
        admitted = admit(text, NOTHING)
        answer = Store().query(admitted.text)
        assert isinstance(answer, QuerySolutions)
        assert len(list(answer)) == 1
        listening.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listening.accept()
    assert {(endpoint, silent) for _, endpoint, silent in admitted.calls} == {(None, True)}


def test_an_allowed_call_stands_for_its_endpoint() -> None:
    text = "SELECT * { SERVICE SILENT <https://example.org/sparql> { ?s ?p ?o } }"
    admitted = admit(text, ALLOWED)
    [(iri, endpoint, silent)] = admitted.calls
    assert admitted.text == text.replace("https://example.org/sparql", iri)
    assert (endpoint, silent) == ("https://example.org/sparql", True)
    assert iri not in text
    assert admit(text.replace("?s", f"<{iri}>"), ALLOWED).calls[0][0] != iri


def test_a_refusal_after_a_silent_call_names_the_place_in_what_was_sent() -> None:
    with pytest.raises(QueryRefused) as caught:
        admit("ASK { SERVICE SILENT <u:x> { } SERVICE <u:y> { } }", NOTHING)
    assert caught.value.where == "line 1, column 32"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LOAD SILENT <urn:a>", "DELETE DATA { }"),
        (
            "load silent <urn:a> into graph <urn:g> ; CLEAR ALL",
            "DELETE DATA { } ; CLEAR ALL",
        ),
        ("CLEAR ALL; LOAD SILENT <urn:a>;", "CLEAR ALL; DELETE DATA { };"),
    ],
)
def test_load_silent_changes_nothing(text: str, expected: str) -> None:
    assert admit(text, NOTHING, update=True).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "LOAD <urn:a>",
        "LOAD SILENT <urn:a> INTO <urn:g>",
        "LOAD SILENT <urn:a> INTO GRAPH",
        "LOAD SILENT <urn:a> <urn:b>",
        "LOAD SILENT <urn:a>; LOAD <urn:b>",
    ],
)
def test_any_other_load_is_refused(text: str) -> None:
    with pytest.raises(QueryRefused):
        admit(text, NOTHING, update=True)


PASSES = [
    "{ ?service ?p ?o }",
    "{ $service ?p ?o { ?s ?p ?o } }",
    "{ ?s service:p ?o }",
    "{ service:s service:p service:o . { ?a ?b ?c } }",
    "{ GRAPH service:g { ?s ?p ?o } }",
    "{ ?s <http://example.org/service> ?o }",
    "{ ?s <http://example.org/service#> ?o . { ?a ?b ?c } }",
    "{ ?s <http://example.org/ns#service> ?o { ?a ?b ?c } }",
    "{ ?s ex:service ?o { ?a ?b ?c } }",
    f"{{ ?s ?p 'SERVICE <{EVIL}> {{' }}",
    f'{{ ?s ?p "SERVICE <{EVIL}> {{" }}',
    f"{{ ?s ?p '''\n'' SERVICE <{EVIL}> {{''' }}",
    f'{{ ?s ?p """\n\\"" SERVICE <{EVIL}> {{""" }}',
    f"{{ ?s ?p ?o }} # SERVICE <{EVIL}> {{ }}",
    "{ ?s ?p _:service }",
    "{ ?s ?p 'x'@service }",
    "{ ?s ?p ?load ; ex:load load:it . FILTER(?x < 3 && ?y > 2) }",
]


@pytest.mark.parametrize("body", PASSES)
def test_the_word_in_a_name_a_string_or_a_comment_passes(body: str) -> None:
    assert not refused(PROLOGUE + body)


def test_a_service_on_the_list_passes_and_no_other() -> None:
    assert not refused("SELECT * { SERVICE <https://example.org/sparql> { ?s ?p ?o } }", ALLOWED)
    assert not refused(
        "SELECT * { service silent <https://example.org/sparql> { ?s ?p ?o } }", ALLOWED
    )
    assert refused("SELECT * { SERVICE <https://example.org/sparql/> { ?s ?p ?o } }", ALLOWED)
    assert refused(
        "SELECT * { SERVICE <https://example.org/sparql> {} SERVICE <urn:x> {} }", ALLOWED
    )


def test_load_is_refused() -> None:
    assert refused("LOAD <http://example.org/>")
    assert refused("load silent <http://example.org/> INTO GRAPH <urn:g>")


def test_a_refusal_names_line_and_column() -> None:
    with pytest.raises(QueryRefused) as caught:
        admit("SELECT *\n{ SERVICE <urn:x> { ?s ?p ?o } }", ALLOWED)
    assert caught.value.where == "line 2, column 3"
    assert "https://example.org/sparql" in (caught.value.fix or "")


def test_a_text_made_to_be_read_in_many_ways_is_refused_or_read_fast() -> None:
    assert refused("ASK { " + "<'" * 50_000 + " SERVICE <urn:x> { } }")
    assert refused("ASK { " + "<'#> " * 50_000 + "service }") in (True, False)
    assert not refused("(" * 500_000 + '"""service')
    assert not refused("ASK { ?service a " + ", <http://example.org/ns#x>" * 20_000 + " }")


FRAGMENTS = (
    f"SERVICE\tSILENT\tLOAD\tGRAPH\tFROM\t<{EVIL}>\tex:a\t:a\t?s ?p ?o\t{{\t}}\t{{?a ?b ?c}}"
    "\t<\t>\t#\t\n\t \t'\t'''\t\"\t\"\"\"\t\\\t\\u0053\t1<2\tFILTER(1<2)\t)\t(\ttrue\t1\t.\t#>"
    "\t<2)#>\t@en\t_:b\tOPTIONAL\tBIND(1 AS ?x)\ta\tERVICE\t\\u0023\t'x'\tservice:a\t{}\t;"
).split("\t")


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(CALLS),
    st.lists(st.tuples(st.integers(0, 100), st.sampled_from(FRAGMENTS)), max_size=5),
)
def test_no_admitted_text_makes_the_engine_call(
    body: str, insertions: list[tuple[int, str]]
) -> None:
    for at, fragment in insertions:
        body = body[:at] + fragment + body[at:]
    text = PROLOGUE + body
    try:
        admitted = admit(text, NOTHING)
    except QueryRefused:
        return
    assert not calls(admitted.text)
    assert all(endpoint is None and silent for _, endpoint, silent in admitted.calls)


HIDDEN_IN_CODE = st.sampled_from([" ", "\n", "\t", "#'''\n", '#"\n', "# <\n", "\r\n"])


@given(
    st.lists(HIDDEN_IN_CODE, max_size=4).map("".join),
    st.sampled_from(["SERVICE", "sErViCe"]),
    st.sampled_from(
        ["?s ?p '#'.", '?s ?p """ \' """.', "FILTER(?a<?b&&?c>?d)", "{}", "<a#b> a 1 ."]
    ),
)
def test_whatever_stands_around_it_a_call_is_refused(gap: str, word: str, before: str) -> None:
    assert refused(f"{PROLOGUE}{{ {before}{gap}{word}{gap}<{EVIL}>{gap}{{ ?x ?y ?z }} }}")


@given(st.text(max_size=60))
def test_the_word_in_a_string_always_passes(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    escaped = escaped.replace("\r", "\\r")
    assert not refused(f'SELECT * {{ ?s ?p "{escaped} SERVICE <{EVIL}> {{ }}" }}')


@given(st.text(max_size=200))
def test_any_text_at_all_is_read_to_its_end(text: str) -> None:
    assert refused(f"service {text}") in (True, False)
