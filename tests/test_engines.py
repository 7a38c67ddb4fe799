"""The table in docs/engines.md says of each engine what it was seen to do, and no more.

The client of this service speaks to all of them, to the service itself too. What an engine answers
otherwise than the one within is listed by name: a release that mends or breaks one is noticed.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import InvalidOperation
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pyoxigraph as ox
import pytest

from coprod_kg.errors import QueryTimeout, StoreError, WrongUsage
from coprod_kg.queries.ask import admitted
from coprod_kg.settings import Settings
from coprod_kg.sparql.dataset import dataset_of
from coprod_kg.sparql.tokens import significant
from coprod_kg.store.base import Query
from coprod_kg.store.remote import control
from coprod_kg.store.remote.client import Engine
from coprod_kg.store.remote.control import State
from coprod_kg.store.remote.engines import KINDS, EngineKind, kind_of
from coprod_kg.store.remote.sign_in import SignIn
from coprod_kg.store.remote.switch import Patch, switch
from tests import w3c
from tests.engine_servers import NEEDS, running
from tests.test_queries import BASE, NAMES, bound, on_one_day
from tests.test_third_engine import cell, texts, world
from tests.web.service import running as served
from tests.web.speaking import STRICT
from tests.web.test_conformance_evaluation import DEFAULT, GRAPHS, PROLOGUE, QUERIES

PAGE = Path(__file__).parents[1] / "docs" / "engines.md"
COLUMNS = {
    "the engine within": EngineKind("within", "sparql", "sparql", "data", deadline="timeout"),
    "Fuseki 5.6 (TDB2)": KINDS["fuseki"],
    "Oxigraph's server 0.5.13": KINDS["oxigraph"],
    "Virtuoso 7.2.5": EngineKind("virtuoso", "sparql", "sparql", "sparql-graph-crud"),
}
UNTRIED = "GraphDB, Stardog, Neptune, QLever"
JSON = "application/sparql-results+json"
TRIPLES = "application/n-triples"
WORLD, UNNAMED = "urn:g:world", "urn:g:unnamed"
XSD = "http://www.w3.org/2001/XMLSchema#"

Dataset = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module", params=COLUMNS)
def engine(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    require: Callable[[str], None],
) -> Iterator[Engine]:
    """An engine that holds the tiny world and what the queries of every kind are asked of."""
    kind, folder = COLUMNS[request.param], tmp_path_factory.mktemp("engine")
    if kind.name == "within":
        with served(folder / "data", STRICT, things=1) as service:
            yield filled(Engine(urlsplit(service.url), kind, f"Bearer {service.curator}"))
        return
    require(NEEDS[kind.name])
    with running(kind.name, folder) as server:
        yield filled(Engine(urlsplit(server.url), kind))


def filled(engine: Engine) -> Engine:
    engine.put(WORLD, content(world("tiny")))
    for name, text in {UNNAMED: DEFAULT, **GRAPHS}.items():
        if text:
            store = ox.Store()
            store.load(text.encode(), ox.RdfFormat.TURTLE)
            engine.put(name, content(store))
    return engine


def content(store: ox.Store) -> bytes:
    return store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph()) or b""


def graphs(default: str | tuple[str, ...], *named: str) -> Dataset:
    names = (default,) if isinstance(default, str) else default
    return (
        *(("default-graph-uri", name) for name in names),
        *(("named-graph-uri", name) for name in named),
    )


def rows(engine: Engine, text: str, dataset: Dataset) -> list[tuple[str, ...]]:
    """The rows of an answer without the names of blank nodes and their order."""
    return plain(ox.parse_query_results(engine.query(text, JSON, dataset), RESULTS))


RESULTS = ox.QueryResultsFormat.JSON


def plain(answer: object) -> list[tuple[str, ...]]:
    if isinstance(answer, ox.QueryBoolean):
        return [(str(bool(answer)),)]
    assert isinstance(answer, ox.QuerySolutions)
    names = sorted(variable.value for variable in answer.variables)
    found = (tuple(written(row[name]) for name in names) for row in answer)
    return [tuple(names), *sorted(found)]


def written(term: object) -> str:
    if isinstance(term, ox.BlankNode):
        return "_:"
    try:
        return cell(term)
    except InvalidOperation:  # it says that it is a number, and is none
        return str(term)


def count(engine: Engine, *default: str) -> str:
    return rows(engine, "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }", graphs(default))[1][0].split()[0]


def one_transaction(engine: Engine) -> str:
    """Whether an update leaves nothing whose last operation fails."""
    engine.update("DROP SILENT GRAPH <urn:several>")
    with pytest.raises(StoreError):
        engine.update(
            "INSERT DATA { GRAPH <urn:several> { <urn:a> <urn:p> 1 } } ; "
            "LOAD <http://127.0.0.1:1/nobody/listens>"
        )
    return yes(count(engine, "urn:several") == "0")


def takes_quads(engine: Engine) -> str:
    """Whether N-Quads come to lie in the graphs that they name, as a migration sends them."""
    with suppress(StoreError):
        engine.add(b'<urn:a> <urn:p> "1" <urn:quads> .\n')
    return yes(count(engine, "urn:quads") == "1")


def names_datasets(engine: Engine) -> str:
    """Whether a query sees the graphs that its request names, and no other."""
    first, second, _ = GRAPHS
    named = rows(engine, "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }", graphs(UNNAMED, first))
    return yes(
        named[1:] == [(f"<{first}>",)]
        and count(engine, first) == "3"
        and count(engine, second) == "2"
    )


def merges(engine: Engine) -> str:
    """Whether a triple in two graphs counts once where both are named."""
    for graph in ("urn:one", "urn:other"):
        engine.put(graph, b'<urn:a> <urn:p> "x" .\n')
    return yes(count(engine, "urn:one", "urn:other") == "1")


def cuts_nothing(engine: Engine) -> str:
    """Whether a long answer comes whole."""
    most = 20_000
    engine.put("urn:many", b"".join(b'<urn:a> <urn:p> "%d" .\n' % number for number in range(most)))
    return yes(len(rows(engine, "SELECT ?o { ?s ?p ?o }", graphs("urn:many"))) == 1 + most)


def yes(found: bool) -> str:
    return "yes" if found else "no"


HOPELESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"


def ends_in_time(engine: Engine) -> str:
    """Whether it says that it stopped a query, by the deadline that was sent with it."""
    deadline = engine.kind.deadline
    if deadline is None:
        return "no"
    patient = Engine(engine.address, replace(engine.kind, deadline=None), engine.authorisation)
    with pytest.raises(StoreError, match="refused a request"):
        patient.query(HOPELESS, JSON, (*graphs(WORLD), (deadline, "1")), 120)
    return "yes"


TYPED = {
    "integer": ("1", "01", "-5", "123456789012345678901"),
    "decimal": ("1.50", "0.1"),
    "double": ("1.0e0", "INF", "NaN"),
    "boolean": ("true", "false"),
    "date": ("2020-02-29", "2020-02-29Z"),
    "dateTime": ("2026-11-30T01:02:03Z", "2026-11-30T01:02:03.5+02:00", "2026-11-30T01:02:03"),
    "gYear": ("2020",),
    "gYearMonth": ("2020-02",),
    "duration": ("P1Y",),
    "anyURI": ("http://example.org/",),
}
TERMS = (
    *('"text"', '""', '"Ann"@en-gb', '"语😀\\t\\n\\"\\\\"', '"a"^^<urn:kind>', '"1"^^<urn:kind>'),
    "<http://example.org/ü/%C3%BC?a=b#c>",
    *(f'"{text}"^^<{XSD}{kind}>' for kind, texts in TYPED.items() for text in texts),
)


CHANGED_BY_VIRTUOSO = {
    *(f'"{text}"^^<{XSD}boolean>' for text in ("true", "false")),
    f'"123456789012345678901"^^<{XSD}integer>',
    f'"2026-11-30T01:02:03.5+02:00"^^<{XSD}dateTime>',
    f'"P1Y"^^<{XSD}duration>',
}


def keeps_terms(engine: Engine) -> str:
    """Whether terms come back, in an answer, as the engine within would give them."""
    lines = [f"<urn:t:{number}> <urn:p> {term} ." for number, term in enumerate(TERMS)]
    data, ours = "\n".join(lines).encode(), ox.Store()
    ours.load(data, ox.RdfFormat.N_TRIPLES)
    engine.put("urn:terms", data)
    text = "SELECT ?s ?o { ?s <urn:p> ?o }"
    theirs = set(rows(engine, text, graphs("urn:terms")))
    wanted = plain(ours.query(text))[1:]
    other = {TERMS[int(row[1][len("<urn:t:") : -1])] for row in wanted if row not in theirs}
    assert other == (CHANGED_BY_VIRTUOSO if engine.kind.name == "virtuoso" else set())
    return yes(not other)


@cache
def as_put(text: str) -> str:
    """A query as it is put to a store."""
    return f"BASE <{BASE}> {rewritten(text)}"


def rewritten(text: str) -> str:
    """A query as the service passes it on, without its base."""
    return admitted(Query(text, (JSON,)), Settings()).text


def same_rows(engine: Engine) -> str:
    """Whether the saved queries have the same rows."""
    return told({name: bound(name) for name in NAMES}, engine, graphs(WORLD), world("tiny"))


def same_answers(engine: Engine) -> str:
    """Whether queries of every kind have the same answer, of those that are put to an engine."""
    ours = ox.Store()
    ours.load(DEFAULT.encode(), ox.RdfFormat.TURTLE)
    for name, text in GRAPHS.items():
        ours.load(text.encode(), ox.RdfFormat.TURTLE, to_graph=ox.NamedNode(name))
    asked = {name: text for name, text in QUERIES.items() if is_put(PROLOGUE + text)}
    there = [name for name, text in GRAPHS.items() if text]
    return told(
        {name: PROLOGUE + text for name, text in asked.items()},
        engine,
        graphs(UNNAMED, *there),
        ours,
    )


def is_put(text: str) -> bool:
    """Whether a query is put to an engine, and not left to the snapshots."""
    words = [token for token in significant(text) if token.is_word("SERVICE", "DESCRIBE")]
    try:
        ox.Store().query(as_put(text))
    except SyntaxError:
        return False
    return not words and dataset_of(text) is None


def w3c_answers(engine: Engine) -> str:
    """How many cases of the W3C have their answer, and how many but for the writing of a number.

    Those that have another one are listed, with what differs.
    """
    cases = w3c.query_cases().values()
    graphs = {graph: w3c.content(graph) for case in cases for graph in case.graphs}
    if engine.kind.name in KINDS:
        engine.add(b"".join(quads(lines, graph) for graph, lines in graphs.items()))
    elif engine.kind.name == "virtuoso":  # one update of them all is too long for it
        for graph, lines in graphs.items():
            engine.put(graph, lines)
    else:
        blocks = (f"GRAPH <{graph}> {{ {lines.decode()} }}" for graph, lines in graphs.items())
        engine.update(f"INSERT DATA {{ {' '.join(blocks)} }}")
    found = w3c.otherwise(
        lambda case: engine.query(rewritten(case.query), case.media_type, case.dataset), cases
    )
    assert found == w3c.failures(engine.kind.name.replace("within", "oxigraph"))
    spelt = [name for name, differs in found.items() if differs == w3c.SPELLING]
    return f"{len(cases) - len(found)} of {len(cases)}, and {len(spelt)} more by value"


def quads(lines: bytes, graph: str) -> bytes:
    """Triples as N-Quads of a graph."""
    found = (
        ox.Quad(quad.subject, quad.predicate, quad.object, ox.NamedNode(graph))
        for quad in ox.parse(lines, format=ox.RdfFormat.N_TRIPLES)
    )
    return ox.serialize(found, format=ox.RdfFormat.N_QUADS) or b""


def told(queries: Mapping[str, str], engine: Engine, dataset: Dataset, ours: ox.Store) -> str:
    """Whether an engine answers some queries like ours; those that it does not are those listed."""
    virtuoso = engine.kind.name == "virtuoso"
    listed = (IN_VIRTUOSO if virtuoso else OTHERWISE.get(engine.kind.name, frozenset())) & {
        *queries
    }
    asked = listed if virtuoso else queries.keys()  # of the others some are right at one time only
    other = {name for name in asked if differs(as_put(queries[name]), engine, dataset, ours)}
    assert other == listed
    if virtuoso:
        return "no"
    return f"no: {len(other)} of {len(queries)}" if other else "yes"


def differs(text: str, engine: Engine, dataset: Dataset, ours: ox.Store) -> bool:
    construct = any(token.is_word("CONSTRUCT") for token in significant(text))

    def both() -> tuple[object, object]:
        if construct:
            theirs = canonical(engine.query(text, TRIPLES, dataset))
            return theirs, canonical(triples(ours, text))
        return rows(engine, text, dataset), plain(ours.query(text))

    try:
        theirs, expected = on_one_day(both)
    except (StoreError, QueryTimeout, SyntaxError):  # refused, or no answer as it is specified
        return True
    return theirs != expected


def triples(store: ox.Store, text: str) -> bytes:
    found = store.query(text)
    assert isinstance(found, ox.QueryTriples)
    return found.serialize(format=ox.RdfFormat.N_TRIPLES) or b""


def canonical(lines: bytes) -> ox.Dataset:
    found = ox.Store()  # spells numbers in one way
    found.load(lines, ox.RdfFormat.N_TRIPLES)
    dataset = ox.Dataset(found)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    return dataset


OTHERWISE: Mapping[str, frozenset[str]] = {
    "fuseki": frozenset(
        (
            "reduced",  # it removes nothing, which SPARQL permits
            "min max",  # of numbers that are equal it gives another one
            "path of nothing",  # right: a path that may be empty has a row for the term itself
            "languages",  # LANG gives the tag as it was written
            "make literals",  # -0 and "1"^^xsd:boolean stay
            "conditions",  # 1 and 01 are two terms, as the specification has it
        )
    )
}
"""What each engine answers otherwise than the one within, of the queries that are put to it."""
IN_VIRTUOSO = frozenset(
    (
        *("agreement-on-barriers", "barriers-overcome", "barriers-unresolved-longest", "coverage"),
        *("feed-forward-without-feedback", "initiatives-by-stage", "initiatives-facing-barrier"),
        *("lessons-in-strategy", "moved-on-despite-barrier", "pilots-without-successor"),
        *("stages-by-actors", "step-durations", "basic", "sum of what cannot be", "avg of nothing"),
        *("bind that fails", "path plus", "numbers", "dates", "ask", "quoted triples"),
    )
)
"""Some of what Virtuoso answers otherwise: wrong durations and counts, rows left out, no answer."""

W3C = "the answers that the W3C's cases of queries say"
CAPABILITIES: Mapping[str, Callable[[Engine], str]] = {
    "puts N-Quads into the graphs that they name": takes_quads,
    "an update request of several operations is one transaction": one_transaction,
    "a query names its dataset by the protocol": names_datasets,
    "several default graphs are a set": merges,
    "an answer of 20,000 rows comes whole": cuts_nothing,
    "stops a query at the deadline sent with it": ends_in_time,
    "gives terms as they were put in": keeps_terms,
    "the same rows for the saved queries": same_rows,
    "the same answers to queries of every kind": same_answers,
    W3C: w3c_answers,
}


def table() -> Mapping[str, Mapping[str, str]]:
    """The table of the page: row, column, cell."""
    text = PAGE.read_text(encoding="utf-8").partition("## Which engine\n\n")[2]
    split = [line.strip("|").split("|") for line in text.partition("\n\n")[0].splitlines()]
    head, _, *body = [[part.strip() for part in parts] for parts in split]
    return {label: dict(zip(head[1:], cells, strict=True)) for label, *cells in body}


@pytest.mark.parametrize("row", CAPABILITIES)
def test_the_page_says_what_was_seen(
    engine: Engine, row: str, require: Callable[[str], None]
) -> None:
    if row == W3C:
        require("w3c")
    title = next(title for title, kind in COLUMNS.items() if kind.name == engine.kind.name)
    said = table()[row][title]
    assert re.match(rf"{CAPABILITIES[row](engine)}\b", said), said


def test_the_page_says_nothing_else() -> None:
    labels = table().keys() - CAPABILITIES.keys()
    assert labels == {"`store-engine`", "tried here", "sign-in", "one small commit took"}
    for row, cells in table().items():
        assert cells.keys() == {*COLUMNS, UNTRIED}
        assert cells[UNTRIED] in ("refused", "no", "not tried", ""), row


def test_an_engine_is_refused_as_the_page_says() -> None:
    for title, said in table()["`store-engine`"].items():
        names = UNTRIED.split(", ") if title == UNTRIED else [COLUMNS[title].name]
        for name in map(str.lower, names):
            if said == "refused":
                with pytest.raises(WrongUsage, match="cannot be paired"):
                    kind_of(name)
            elif name != "within":
                assert said == f"`{kind_of(name).name}`"


@pytest.mark.parametrize("way", ["basic", "digest"])
def test_user_and_password_of_the_address_let_the_service_in(
    way: str, tmp_path: Path, require: Callable[[str], None]
) -> None:
    require(NEEDS["fuseki"])
    (tmp_path / "passwd").write_text("kg: secret\n")
    with running("fuseki", tmp_path, f"--passwd={tmp_path / 'passwd'}", f"--auth={way}") as server:

        def engine(user: str) -> Engine:
            url = server.url.replace("//", f"//{user}@")
            found = Engine.of(Settings.load({"store": url, "store_engine": "fuseki"}, {}))
            assert found is not None
            return found

        signed = engine("kg:secret")
        signed.put("urn:g", b"<urn:a> <urn:p> <urn:b> .\n")
        assert {count(signed, "urn:g") for _ in range(3)} == {"1"}
        assert count(engine("kg:secret"), "urn:g") == "1"
        server.kill()  # it knows none of its nonces any more
        server.start()
        text = b"x" * 1_000_000
        long = b"".join(b'<urn:a> <urn:p> "%d%s" .\n' % (number, text) for number in range(12))
        signed.put("urn:g", long)  # with an old nonce it is refused unread
        assert count(signed, "urn:g") == "12"
        for wrong in ("kg:wrong", "other:secret"):
            with pytest.raises(StoreError, match=r"does not let this service in \(401\)"):
                count(engine(wrong), "urn:g")


ON_VIRTUOSO = pytest.mark.parametrize("engine", ["Virtuoso 7.2.5"], indirect=True, scope="module")


@ON_VIRTUOSO
def test_virtuoso_gives_a_part_for_the_whole_where_the_time_is_up(engine: Engine) -> None:
    """A count that would take years: it is refused nowhere, and no row says that it is none."""
    dataset = (*graphs(WORLD), ("timeout", "1000"))
    assert plain(ox.parse_query_results(engine.query(HOPELESS, JSON, dataset, 120), RESULTS))


@ON_VIRTUOSO
def test_virtuoso_lets_a_user_in_by_digest_alone(engine: Engine) -> None:
    kind = replace(engine.kind, query="sparql-auth")
    plain = Engine(engine.address, kind, f"Basic {b64encode(b'dba:dba').decode()}")
    with pytest.raises(StoreError, match=r"does not let this service in \(401\)"):
        count(plain, WORLD)
    signed = Engine(engine.address, kind, sign_in=SignIn("dba", "dba", basic=False))
    assert count(signed, WORLD) == count(engine, WORLD)


@ON_VIRTUOSO
def test_virtuoso_leaves_half_a_commit(engine: Engine) -> None:
    """By the request that makes a version: one of its operations fails, others stay done."""
    state = State(0, "", "lineage", (), BASE)
    control.begin(engine, state)
    control.take(engine, "token", "writer", 600)
    engine.put("urn:draft", b"<urn:a> <urn:p> <urn:b> .\n")
    patches = [Patch("urn:exchanged", draft="urn:draft")]
    with pytest.raises(StoreError, match="refused a request"):
        engine.update(switch(state, "token", patches, "commit"))
    assert (control.version(engine), count(engine, "urn:exchanged")) == (0, "1")


@pytest.mark.whole
@pytest.mark.parametrize("engine", [*COLUMNS][:3], indirect=True, scope="module")
@pytest.mark.parametrize("name", NAMES)
def test_saved_queries_have_the_same_rows_for_every_value(engine: Engine, name: str) -> None:
    """Over the published cases, with values of every parameter."""
    cases = world("cases")
    if count(engine, "urn:g:cases") == "0":
        engine.put("urn:g:cases", content(cases))
    for text in texts(name, cases):
        assert not differs(as_put(text), engine, graphs("urn:g:cases"), cases), text
