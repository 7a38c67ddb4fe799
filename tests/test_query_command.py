"""Claims about ``queries``, ``query`` and ``sparql`` at a terminal, local and over HTTP."""

import json
import re
import shlex
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from pyoxigraph import RdfFormat, parse, serialize
from werkzeug.serving import make_server

from coprod_kg.cli.__main__ import main
from coprod_kg.cli.queries import queries
from coprod_kg.client.fetching import fetcher
from coprod_kg.queries.library import load
from coprod_kg.settings import Settings
from coprod_kg.store.base import Change, Store
from coprod_kg.store.local import serving
from coprod_kg.web import create_app
from tests.memory_store import MemoryStore

TESTS = Path(__file__).parent
VOCABULARY = sorted((TESTS.parent / "ontology" / "vocab").glob("*.ttl"))
COUNT = "SELECT (COUNT(DISTINCT ?i) AS ?n) { ?i a <https://w3id.org/coprod/ontology#Initiative> }"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["coprod-kg", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return call


def fill(store: Store) -> None:
    for number, path in enumerate([TESTS / "tiny.ttl", *VOCABULARY]):
        quads = parse(path=str(path), format=RdfFormat.TURTLE)
        data = serialize((quad.triple for quad in quads), format=RdfFormat.N_TRIPLES) or b""
        store.commit(Change(replace={f"urn:graph:{number}": data}))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A data directory with the tiny world in it, and a running store."""
    folder = tmp_path_factory.mktemp("asking")
    settings = Settings.load({"data": folder, "workers": 1}, {})
    with serving(settings) as service:
        fill(service.store)
        yield str(folder)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A service that answers over HTTP."""
    store = MemoryStore()
    fill(store)
    server = make_server("127.0.0.1", 0, create_app(store, Settings()), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_list_gives_each_query_with_its_question(run: Run, url: str) -> None:
    local, remote = run("queries"), run("queries", "--url", url)
    assert "initiatives-by-stage" in local.out
    assert "How many initiatives sit at each stage now?" in local.out
    assert local.out == remote.out
    listed = json.loads(run("queries", "--json").out)
    over_http = json.loads(run("queries", "--json", "--url", url).out)
    for here, there in zip(listed, over_http, strict=True):
        assert here == {key: there[key] for key in here}


def test_a_saved_query_gives_the_same_csv_here_and_over_http(run: Run, data: str, url: str) -> None:
    asked = ("query", "initiatives-at-stage", "-p", "stage=project", "-f", "csv")
    local, remote = run(*asked, "--data", data), run(*asked, "--url", url)
    assert local.out == remote.out
    assert local.out.count("\r\n") == 4
    assert "Self-claim" in local.out


def test_several_values_bind_several_terms(run: Run, data: str) -> None:
    asked = ("query", "initiatives-at-stage", "-p", "stage=project", "-p", "stage=pilot-project")
    assert run(*asked, "-f", "csv", "--data", data).out.count("\r\n") == 5


def test_a_table_is_aligned_and_short_of_iris(run: Run, data: str) -> None:
    shown = run("query", "initiatives-without-stage", "-f", "table", "--data", data)
    assert shown.out.splitlines() == [
        "Initiative        Initiative (name)  Status   Last stage     Until    Basis",
        "----------------  -----------------  -------  -------------  -------  ----------------",
        "initiative/delta  Delta              Closed   Pilot project  2019-04  Secondary coding",
        "initiative/eta    Eta                Planned",
    ]
    assert shown.err.startswith("(2 rows, version ")


@pytest.mark.parametrize(
    ("form", "query", "begins"),
    [
        ("json", COUNT, "{"),
        ("xml", COUNT, "<?xml"),
        ("tsv", COUNT, "?n\n7"),
        ("table", COUNT, "n\n-\n7"),
        ("table", "ASK { ?s ?p ?o }", "true"),
        ("json", "CONSTRUCT { <urn:a> <urn:b> 1 } {}", "["),
        ("turtle", "CONSTRUCT { <urn:a> <urn:b> 1 } {}", "<urn:a> <urn:b> 1"),
        ("ntriples", "CONSTRUCT { <urn:a> <urn:b> 1 } {}", "<urn:a> <urn:b> "),
        ("jsonld", "CONSTRUCT { <urn:a> <urn:b> 1 } {}", "["),
        ("rdfxml", "CONSTRUCT { <urn:a> <urn:b> 1 } {}", "<?xml"),
        ("table", "CONSTRUCT { <urn:a> <urn:b> 1 } {}", "<urn:a> <urn:b> 1"),
    ],
)
def test_an_answer_comes_in_every_format(
    form: str, query: str, begins: str, run: Run, data: str, url: str
) -> None:
    for where in (("--data", data), ("--url", url)):
        shown = run("sparql", query, "-f", form, *where)
        assert (shown.code, shown.out[: len(begins)]) == (0, begins), shown.err


def test_a_file_gets_the_format_of_its_ending(run: Run, data: str, tmp_path: Path) -> None:
    target = tmp_path / "answer.json"
    assert run("sparql", COUNT, "-o", str(target), "--data", data).code == 0
    assert json.loads(target.read_text())["results"]["bindings"][0]["n"]["value"] == "7"
    assert list(tmp_path.iterdir()) == [target]


def test_a_query_comes_from_a_file(run: Run, data: str, tmp_path: Path) -> None:
    (tmp_path / "count.rq").write_text(COUNT)
    assert run("sparql", str(tmp_path / "count.rq"), "--data", data).out == "n\r\n7\r\n"


def test_own_queries_stand_beside_the_models(run: Run, data: str, tmp_path: Path) -> None:
    header = "#+ summary: One?\n#+ description: One.\n#+ tags: one\n#+ column n: One.\n"
    text = f"{header}SELECT ?n {{ VALUES ?n {{ 1 }} }} ORDER BY ?n\n"
    (tmp_path / "just-one.rq").write_text(text)
    asked = ("query", "just-one", "--queries", str(tmp_path), "--data", data)
    assert run(*asked).out == "n\r\n1\r\n"


def test_a_query_explains_itself(run: Run) -> None:
    shown = run("query", "pilots-without-successor", "--explain")
    assert "a whole number such as 12" in shown.out
    assert "How many months ago that was" in shown.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("query", "initiatives-by-stages"), 1, "did you mean initiatives-by-stage"),
        (("query", "initiatives-at-stage", "-p", "stage=pilot"), 2, "Permitted: ad-hoc"),
        (("query", "initiatives-at-stage", "-p", "stage"), 2, "KEY=VALUE"),
        (("sparql", "SELECT nonsense {"), 1, ""),
        (("sparql", "nothing-of-that-name.rq"), 2, "neither a query nor a file"),
        (("sparql", "SELECT * { SERVICE <urn:x> { ?s ?p ?o } }"), 1, "line 1, column 12"),
        (("sparql", COUNT, "--version", "9999"), 1, ""),
        (("sparql", COUNT, "-f", "turtle"), 1, ""),
        (("sparql", COUNT, "-o", "/no/such/folder/x.csv"), 2, "cannot be written"),
    ],
)
def test_an_error_is_the_same_text_and_code_here_and_over_http(
    arguments: tuple[str, ...], code: int, message: str, run: Run, data: str, url: str
) -> None:
    for where in (("--data", data), ("--url", url)):
        ended = run(*arguments, *where)
        assert ended.code == code, ended
        assert ended.out == ""
        assert ended.err.startswith("coprod-kg: ")
        if where[0] == "--data" or arguments[1] != "initiatives-by-stages":
            assert message in ended.err


def test_a_service_that_does_not_answer_is_exit_code_three(run: Run) -> None:
    ended = run("sparql", COUNT, "--url", "http://127.0.0.1:9")
    assert (ended.code, "does not answer" in ended.err) == (3, True)


def test_an_address_that_is_not_http_is_never_opened(run: Run) -> None:
    assert run("sparql", COUNT, "--url", "file:///etc/passwd").code == 2


def test_a_control_character_never_reaches_the_terminal(run: Run, data: str) -> None:
    query = 'SELECT ?x { VALUES ?x { "a\\u001b[2Jb" } }'
    assert run("sparql", query, "-f", "table", "--data", data).out == "x\n------\na [2Jb\n"


def test_a_chart_and_a_workbook_go_to_a_file(run: Run, data: str, tmp_path: Path) -> None:
    starts = {"svg": b"<svg", "png": b"\x89PNG", "xlsx": b"PK", "vega": b"{"}
    for form, start in starts.items():
        file = tmp_path / f"stages.{form}"
        ended = run("query", "initiatives-by-stage", "--data", data, "-f", form, "-o", str(file))
        assert ended.code == 0, ended.err
        assert file.read_bytes().startswith(start)


def test_a_question_without_a_chart_is_told_so_and_leaves_no_file(
    run: Run, data: str, tmp_path: Path
) -> None:
    file = tmp_path / "none.svg"
    ended = run("query", "connectors", "--data", data, "-o", str(file))
    assert ended.code != 0
    assert "the question connectors has no svg" in ended.err
    assert not list(tmp_path.iterdir())


def test_a_chart_is_of_saved_queries_only(run: Run, data: str) -> None:
    ended = run("sparql", COUNT, "--data", data, "-f", "png")
    assert ended.code != 0
    assert "png is made of saved queries only" in ended.err


def test_the_questions_are_found_by_words_and_tags() -> None:
    found = CliRunner().invoke(queries, ["Pilots", "--tag", "stalled", "--json"])
    assert found.exit_code == 0, found.output
    names = [one["name"] for one in json.loads(found.stdout)]
    assert "pilots-without-successor" in names
    assert "barriers-overall" not in names
    told = CliRunner().invoke(queries, ["pilots", "successor"])
    assert [line.split()[0] for line in told.stdout.splitlines()] == ["pilots-without-successor"]
    assert told.stderr.endswith(f"of {len(load())} questions)\n")


@pytest.mark.parametrize(
    "search", [["BARRIER", "stall"], ["CQ-09"], ["--tag", "stage", "--tag", "time"], ["zebra"]]
)
def test_a_search_finds_the_same_here_and_over_http(search: list[str], run: Run, url: str) -> None:
    here, there = run("queries", *search), run("queries", *search, "--url", url)
    assert (here.code, here.out) == (there.code, there.out)
    number = len(here.out.splitlines())
    assert here.err == f"({number} of {len(load())} questions)\n"
    assert there.err == f"({number} questions)\n"
    assert (number == 0) is (search == ["zebra"])


@pytest.mark.parametrize("form", ["text", "bibtex", "csl"])
def test_an_answer_is_cited_here_as_the_service_cites_it(
    form: str, run: Run, data: str, url: str
) -> None:
    asked = ("query", "initiatives-at-stage", "-p", "stage=project", "--cite", form)
    here, there = run(*asked, "--data", data), run(*asked, "--url", url)
    assert here.code == there.code == 0, here.err + there.err
    hashes = [re.findall(r"\b[0-9a-f]{64}\b", one.out) for one in (here, there)]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) >= 2
    starts = {"text": "coprod-kg contributors (", "bibtex": "@misc{", "csl": "["}
    assert here.out.startswith(starts[form])


def test_a_citation_leads_to_the_service_that_runs_over_the_folder(
    run: Run, tmp_path: Path
) -> None:
    here, asked = str(tmp_path / "data"), ("query", "initiatives-by-stage", "--cite", "text")
    with serving(
        Settings.load({"data": here, "workers": 1}, {}), "http://127.0.0.1:8399"
    ) as service:
        fill(service.store)
        cited = run(*asked, "--data", here).out
    address = "http://127.0.0.1:{}/queries/initiatives-by-stage?version="
    assert address.format(8399) in cited
    assert address.format(8000) in run(*asked, "--data", here).out


def test_the_example_of_sparql_can_be_asked(run: Run, data: str) -> None:
    shown = run("sparql", "--help").out.partition("Example: ")[2]
    program, *example = shlex.split(" ".join(shown.split()))
    assert program == "coprod-kg"
    ended = run(*example, "--data", data)
    assert ended.code == 0, ended.err
    assert "statements" in ended.out


def test_a_service_that_lacks_a_question_says_which_may_be_meant(run: Run, url: str) -> None:
    ended = run("query", "initiatives-by-stages", "--url", url)
    assert "(did you mean initiatives-by-stage" in ended.err
    assert f"coprod-kg queries --url {url} lists them all" in ended.err


def test_a_service_explains_its_queries_too(run: Run, url: str) -> None:
    asked = ("query", "pilots-without-successor", "--explain")
    assert run(*asked).out == run(*asked, "--url", url).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("initiative-history", "-p", "initiative=Wigan Deal"), "small letters, digits and"),
        (("pilots-without-successor", "-p", "months=x"), "'x' is not a whole number such as 12\n"),
        (("connectors", "-f", "svg"), "has no svg\nIt can be json, xml, csv, tsv, xlsx or crate."),
        (("connectors", "-f", "turtle"), "has no Turtle\nIt can be json, xml, csv"),
        (("connectors", "-o", "answer.doc"), "no format ends in .doc\nSay with -f which it is"),
        (("connectors", "--version", "-5"), "'--version': -5 is not in the range"),
    ],
)
def test_an_error_says_what_to_write_here_and_over_http(
    arguments: tuple[str, ...], message: str, run: Run, data: str, url: str
) -> None:
    for where in (("--data", data), ("--url", url)):
        ended = run("query", *arguments, *where)
        assert ended.code in (1, 2)
        assert message in ended.err


def test_a_folder_of_queries_that_is_not_there_is_said(run: Run, data: str, tmp_path: Path) -> None:
    ended = run("query", "connectors", "--data", data, "--queries", str(tmp_path / "none"))
    assert (ended.code, f"there is no folder {tmp_path}/none" in ended.err) == (2, True)


def test_a_command_that_is_none_is_told_with_the_one_that_was_meant(run: Run) -> None:
    ended = run("qery", "connectors")
    assert (ended.code, "No such command 'qery'. Did you mean query?" in ended.err) == (2, True)


@pytest.mark.parametrize("arguments", [("queries",), ("query", "connectors"), ("sparql", COUNT)])
@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_a_web_site_of_another_kind_is_told_from_a_service(
    arguments: tuple[str, ...], kind: str, run: Run
) -> None:
    def site(_environ: object, start: Callable[..., object]) -> list[bytes]:
        start("200 OK", [("Content-Type", kind)])
        return [b"<p>Welcome"]

    server = make_server("127.0.0.1", 0, site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        ended = run(*arguments, "--url", f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (ended.code, "no such service" in ended.err) == (3, True), ended.err


@pytest.fixture
def half() -> Iterator[str]:
    """Give the address of a service that closes before the end that it announced."""
    body = b"n\r\n1\r\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: {2 * len(body)}\r\n\r\n"

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(head.encode() + body)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_half_an_answer_of_a_service_is_not_taken_for_the_whole(run: Run, half: str) -> None:
    ended = run("sparql", COUNT, "-f", "csv", "--url", half)
    assert ended.code == 3
    assert "does not answer" in ended.err


def test_half_an_answer_of_a_source_is_none(half: str) -> None:
    assert fetcher(5)("GET", half, "text/csv").status == 0


@pytest.mark.parametrize("where", ["data", "url"])
def test_a_thing_that_the_data_do_not_mention_is_told_and_one_without_rows_is_not(
    run: Run, data: str, url: str, where: str
) -> None:
    place = ("--data", data) if where == "data" else ("--url", url)
    asked = ("query", "initiatives-of-organisation", *place)
    nowhere = run(*asked, "-p", "organisation=nowhere")
    assert nowhere.code == 0
    assert nowhere.err.splitlines()[0] == (
        "The data do not mention organisation/nowhere: look its identifier up by its name."
    )
    assert run(*asked, "-p", "organisation=nowhere", "-f", "table").err.splitlines()[0] in (
        nowhere.err
    )
    both = run(*asked, "-p", "organisation=nowhere", "-p", "organisation=north-city")
    for told in (both, run(*asked, "-p", "organisation=north-city"), run(*asked)):
        assert "do not mention" not in told.err
    empty = run(
        "query", "initiatives-facing-barrier", *place, "-p", "barrier=lack-of-time",
        "-p", "organisation=north-city", "-f", "table",
    )  # fmt: skip
    assert "(0 rows" in empty.err
    assert "do not mention" not in empty.err
