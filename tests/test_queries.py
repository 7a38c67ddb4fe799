"""Claims about the saved questions: on the tiny world each gives the answer a person can check.

The golden answers are ``tests/questions/SLUG.csv``; comment lines above the header bind parameters
(``# months=12``). After a deliberate change, write them again and read the difference:

    python tests/test_queries.py --refresh
"""

import csv
import io
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, QuerySolutions, RdfFormat, Store

from coprod_kg.model.namespaces import prologue
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.library import SavedQuery, load
from coprod_kg.queries.question import Endpoint, Question
from coprod_kg.settings import Settings
from coprod_kg.sparql.tokens import is_changing, significant
from coprod_kg.store.base import Store as AnyStore

TESTS = Path(__file__).parent
QUESTIONS = TESTS.parent / "queries" / "questions"
GOLDEN = TESTS / "questions"
FILES = (TESTS / "tiny.ttl", *sorted((TESTS.parent / "ontology" / "vocab").glob("*.ttl")))
BASE = "https://w3id.org/coprod/"
NAMES = sorted(path.stem for path in QUESTIONS.glob("*.rq"))
PLACES = ("sector", "country")
NUMBERS = ("integer", "decimal", "double")

Table = list[list[str]]
Answers = TypeVar("Answers")


@cache
def questions() -> dict[str, SavedQuery]:
    return dict(load(QUESTIONS))


@cache
def oxigraph() -> Store:
    """Each file in a graph of its own, and the tiny world in two, as inferred triples may be."""
    store = Store()
    for number, path in enumerate((*FILES, FILES[0])):
        graph = NamedNode(f"urn:graph:{number}")
        store.load(path=str(path), format=RdfFormat.TURTLE, to_graph=graph)
    return store


@cache
def in_rdflib() -> rdflib.Graph:
    graph = rdflib.Graph()
    for path in FILES:
        graph.parse(path, format="turtle")
    return graph


def parameters(name: str) -> dict[str, list[str]]:
    """The values that the golden file's comment lines bind."""
    bound: dict[str, list[str]] = {}
    path = GOLDEN / f"{name}.csv"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        if line.startswith("# "):
            key, _, value = line[2:].partition("=")
            bound.setdefault(key, []).append(value)
    return bound


def bound(name: str) -> str:
    return questions()[name].bind(parameters(name), BASE)


def golden(name: str) -> Table:
    text = (GOLDEN / f"{name}.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("# ")]
    return list(csv.reader(lines))


def number(text: str) -> str:
    return f"{Decimal(text).normalize():f}"


def from_oxigraph(text: str, store: Store | None = None) -> Table:
    return table((store or oxigraph()).query(text, use_default_graph_as_union=True))


def table(answer: object) -> Table:
    """An answer that has pyoxigraph's terms."""
    assert isinstance(answer, QuerySolutions)
    names = [variable.value for variable in answer.variables]
    return [names, *([_oxigraph_cell(row[name]) for name in names] for row in answer)]


def _oxigraph_cell(term: Any) -> str:
    if term is None:
        return ""
    if isinstance(term, Literal) and term.datatype.value.endswith(NUMBERS):
        return number(term.value)
    return str(term.value)


def from_rdflib(text: str) -> Table:
    answer = in_rdflib().query(text)
    assert answer.vars is not None
    names = [str(variable) for variable in answer.vars]
    return [names, *([_rdflib_cell(row[name]) for name in names] for row in answer)]  # type: ignore[index,call-overload]  # rows of a SELECT


def _rdflib_cell(term: Any) -> str:
    if term is None:
        return ""
    if isinstance(term, rdflib.Literal) and str(term.datatype or "").endswith(NUMBERS):
        return number(str(term))
    return str(term)


def on_one_day(ask: Callable[[], Answers]) -> Answers:
    """What several engines say on the same day: some questions count to today."""
    while True:
        day = datetime.now(UTC).date()
        found = ask()
        if datetime.now(UTC).date() == day:
            return found


@cache
def in_oxigraph_and_rdflib(text: str) -> tuple[Table, Table]:
    return on_one_day(lambda: (from_oxigraph(text), from_rdflib(text)))


def written(table: Table, values: dict[str, list[str]]) -> str:
    out = io.StringIO()
    out.writelines(f"# {key}={value}\n" for key, given in values.items() for value in given)
    csv.writer(out, lineterminator="\n").writerows(table)
    return out.getvalue()


def order_variables(query: SavedQuery) -> list[str]:
    found = list(significant(query.text))
    last = max(index for index, token in enumerate(found) if token.is_word("ORDER"))
    return [token.text[1:] for token in found[last:] if token.kind == "variable"]


def selects() -> Iterator[str]:
    return (name for name in NAMES if questions()[name].form == "SELECT")


def test_every_question_is_clean() -> None:
    assert sorted(questions()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_looked_up_of_what_an_expression_gave(name: str) -> None:
    # The engine would compare all that can be looked up: at 10,000 initiatives that does not end.
    words = [token.text for token in significant(questions()[name].text)]
    made = {after for word, after in pairwise(words) if word == "AS" and after.startswith("?")}
    begun = zip(words, words[1:], words[2:], strict=False)
    looked_up = {after for *start, after in begun if start == ["OPTIONAL", "{"]}
    assert not made & looked_up


@pytest.mark.parametrize("name", NAMES)
def test_a_question_as_it_stands_has_the_same_rows_in_both_engines(name: str) -> None:
    ours, theirs = in_oxigraph_and_rdflib(questions()[name].text)
    assert theirs == ours


@pytest.mark.parametrize("name", NAMES)
def test_oxigraph_gives_the_golden_answer(name: str) -> None:
    assert from_oxigraph(bound(name)) == golden(name)


@pytest.mark.parametrize("name", NAMES)
def test_rdflib_gives_the_golden_answer(name: str) -> None:
    assert in_oxigraph_and_rdflib(bound(name))[1] == golden(name)


def narrowed() -> Iterator[str]:
    """The questions that can be narrowed to a sector or a country, and tell of neither."""
    for name in NAMES:
        query = questions()[name]
        told = " ".join(column.name for column in query.columns).lower()
        narrows = {parameter.name for parameter in query.parameters}.intersection(PLACES)
        if narrows and not any(place in told for place in PLACES):
            yield name


@pytest.mark.parametrize("name", list(narrowed()))
def test_who_has_no_sector_and_no_country_is_counted_where_none_is_chosen(name: str) -> None:
    store = Store()
    store.extend(oxigraph())
    for place in PLACES:
        for quad in oxigraph().quads_for_pattern(None, NamedNode(f"{BASE}ontology#{place}"), None):
            store.remove(quad)
    values = {key: given for key, given in parameters(name).items() if key not in PLACES}
    text = questions()[name].bind(values, BASE)
    without, whole = on_one_day(lambda: (from_oxigraph(text, store), from_oxigraph(text)))
    assert without == whole


TELLS_MORE = {("barriers-overcome", "enabler"): "all that helped, where this one did"}
"""Question and parameter whose rows have other values too, and why."""


def columns_asked_for() -> Iterator[tuple[str, str]]:
    """The questions with a parameter that is a column too, and which."""
    for name in NAMES:
        query = questions()[name]
        told = {column.name for column in query.columns}
        for parameter in query.parameters:
            if parameter.name in told and (name, parameter.name) not in TELLS_MORE:
                yield name, parameter.name


@cache
def with_unknown_stages() -> Store:
    """The tiny world where of every second initiative with a stage now none is known."""
    store = Store()
    store.extend(oxigraph())
    stages = oxigraph().quads_for_pattern(None, NamedNode(f"{BASE}ontology#currentStage"), None)
    for triple in sorted({quad.triple for quad in stages}, key=str)[::2]:
        alike = triple.subject, triple.predicate, triple.object
        for quad in oxigraph().quads_for_pattern(*alike):
            store.remove(quad)
    return store


@pytest.mark.parametrize(("name", "asked"), list(columns_asked_for()))
def test_a_value_that_is_asked_for_has_the_rows_with_that_value(name: str, asked: str) -> None:
    query = questions()[name]
    (parameter,) = (one for one in query.parameters if one.name == asked)
    given = {key: values for key, values in parameters(name).items() if key != asked}
    header, *whole = from_oxigraph(query.bind(given, BASE), with_unknown_stages())
    values = [row[header.index(asked)] for row in whole]
    for value in parameter.permitted(schemes()) or sorted({value for value in values if value}):
        text = query.bind({**given, asked: [value]}, BASE)
        found = from_oxigraph(text, with_unknown_stages())[1:]
        has = [row for row, its in zip(whole, values, strict=True) if is_named(its, value)]
        assert found == has, value


def is_named(iri: str, value: str) -> bool:
    """Whether a person may write a value for an IRI."""
    return iri == value or iri.endswith(f"/{value}")


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_rows_is_total(name: str) -> None:
    header, *rows = from_oxigraph(bound(name))
    by = [header.index(one) for one in order_variables(questions()[name]) if one in header]
    keys = [tuple(row[index] for index in by) for row in rows]
    assert len(set(keys)) == len(rows)


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_answer_has_rows(name: str) -> None:
    assert len(golden(name)) > 1


@pytest.mark.parametrize("name", NAMES)
def test_a_question_is_a_question_that_names_what_it_answers(name: str) -> None:
    query = questions()[name]
    assert query.summary.endswith("?")
    assert query.answers


def test_every_golden_answer_has_its_question() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.csv")) == NAMES


days = st.dates(date(2010, 1, 1), date(2026, 12, 31)).map(date.isoformat)
dates = st.builds(lambda day, length: day[:length], days, st.sampled_from((4, 7, 10)))
pilots = st.tuples(dates, *([st.none() | dates] * 3))


@settings(max_examples=40, deadline=None)
@given(st.lists(pilots, min_size=1, max_size=12))
def test_the_pilots_that_moved_on_or_ended_never_become_fewer(
    known: list[tuple[str, str | None, str | None, str | None]],
) -> None:
    """Whatever is recorded: in each row the parts make up the same pilots."""
    lines = ["PREFIX cp: <https://w3id.org/coprod/ontology#>"]
    lines += ["PREFIX stage: <https://w3id.org/coprod/vocab/stage/>"]
    for number, (start, later, until, end) in enumerate(known):
        pilot = f'cp:about <urn:i{number}> ; cp:stage stage:pilot-project ; cp:validFrom "{start}"'
        lines.append(f"<urn:i{number}> a cp:Initiative ; cp:sector <urn:sector> .")
        lines.append(f"<urn:p{number}> {pilot} .")
        lines += [f'<urn:p{number}> cp:validUntil "{until}" .'] if until else []
        lines += [f'<urn:i{number}> cp:endDate "{end}" .'] if end else []
        if later:
            lines.append(f"<urn:l{number}> cp:followsAssessment <urn:p{number}> ;")
            lines.append(f'  cp:stage stage:project ; cp:validFrom "{later}" .')
    store = Store()
    store.load("\n".join(lines), format=RdfFormat.TURTLE)
    text = questions()["pilot-survival"].bind({"on": ["2020-06-15"]}, BASE)
    header, *rows = table(store.query(text))
    counts = {name: [int(row[place]) for row in rows] for place, name in enumerate(header)}
    for name in ("moved", "ended", "percent"):
        assert counts[name] == sorted(counts[name])
    assert len(set(counts["pilots"])) <= 1
    parts = zip(*(counts[name] for name in ("moved", "ended", "still", "unknown")), strict=True)
    assert [sum(row) for row in parts] == counts["pilots"]


# Agreement, against its definition in plain Python

RANKS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=2, max_size=12)


def kappa(pairs: list[tuple[int, int]]) -> float | None:
    """Cohen's kappa of two lists of ranks."""
    many = len(pairs)
    observed = sum(one == other for one, other in pairs) / many
    firsts, seconds = zip(*pairs, strict=True)
    expected = sum(firsts.count(rank) * seconds.count(rank) for rank in range(6)) / many**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def alpha(pairs: list[tuple[int, int]]) -> float | None:
    """Krippendorff's alpha for ordinal data by two observers, none missing."""
    values = [rank for pair in pairs for rank in pair]
    count = {rank: values.count(rank) for rank in range(1, 6)}

    def distance(one: int, other: int) -> float:
        low, high = sorted((one, other))
        between = sum(count[rank] for rank in range(low, high + 1))
        return (between - (count[low] + count[high]) / 2) ** 2

    observed = sum(2 * distance(*pair) for pair in pairs) / len(values)
    expected = sum(
        count[one] * count[other] * distance(one, other) for one in count for other in count
    ) / (len(values) * (len(values) - 1))
    return None if expected == 0 else 1 - observed / expected


def told_by_two(
    pairs: list[tuple[int, int]], claim: str, values: dict[int, str], *more: str
) -> Store:
    """A store in which two agents claim something of each subject.

    Args:
        pairs: what the one and the other say of each.
        claim: class and property of the claims; ``{said}`` stands for the value.
        values: the term for each thing said.
        more: what else the store holds.
    """
    data = [
        f"<urn:{who}{number}> a {claim.format(said=values[said])} ;"
        f" cp:about <urn:s{number}> ; cp:claimedBy <urn:agent:{who}> ."
        for number, pair in enumerate(pairs)
        for who, said in zip("ab", pair, strict=True)
    ]
    data += [f'<urn:agent:{who}> rdfs:label "{who}"@en .' for who in "ab"]
    store = Store()
    store.update(f"{prologue()} INSERT DATA {{ {' '.join((*data, *more))} }}")
    return store


@settings(max_examples=25, deadline=None)
@given(RANKS)
def test_kappa_and_alpha_are_what_their_definitions_say(pairs: list[tuple[int, int]]) -> None:
    slugs = ("ad-hoc", "pilot-project", "project", "programme", "culture")
    ranks = [f"stage:{slug} cp:rank {rank} ." for rank, slug in enumerate(slugs, start=1)]
    stages = {rank: f"stage:{slug}" for rank, slug in enumerate(slugs, start=1)}
    store = told_by_two(pairs, "cp:StageAssessment ; cp:stage {said}", stages, *ranks)
    for name, wanted in (("agreement-on-stages", kappa), ("agreement-on-the-scale", alpha)):
        header, row = table(store.query(questions()[name].text))
        expected = wanted(pairs)
        found = row[header.index("kappa" if wanted is kappa else "alpha")]
        assert found == ("" if expected is None else found)
        if expected is not None:
            assert abs(float(found) - expected) < 0.001


def nominal_alpha(pairs: list[tuple[int, int]]) -> float | None:
    """Krippendorff's alpha for names by two observers, none missing."""
    values = [value for pair in pairs for value in pair]
    observed = sum(2 * (one != other) for one, other in pairs) / len(values)
    unlike = sum(one != other for one, other in permutations(values, 2))
    expected = unlike / (len(values) - 1)
    return None if expected == 0 else 1 - observed * len(values) / expected


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2, max_size=12))
def test_agreement_on_a_barrier_is_what_the_definitions_say(pairs: list[tuple[int, int]]) -> None:
    barriers = {said: f"<urn:barrier{said}>" for said in (0, 1)}
    labels = [f'{barrier} skos:prefLabel "{said}"@en .' for said, barrier in barriers.items()]
    store = told_by_two(pairs, "cp:BarrierReport ; cp:barrier {said}", barriers, *labels)
    header, *rows = table(store.query(questions()["agreement-on-barriers"].text))
    reported = {said for pair in pairs for said in pair}
    assert {row[header.index("barrierLabel")] for row in rows} == {str(said) for said in reported}
    for row in rows:
        for name, wanted in (("kappa", kappa), ("alpha", nominal_alpha)):
            expected, told = wanted(pairs), row[header.index(name)]
            assert told == "" if expected is None else abs(float(told) - expected) < 0.001


def test_a_question_that_rests_on_the_day_stays_the_same_once_the_day_is_bound() -> None:
    endpoint = Endpoint.local(cast("AnyStore", None), Settings(), {})  # nothing is asked of it
    names = [
        name for name, query in questions().items() if any(one.today for one in query.parameters)
    ]
    assert len(names) >= 5
    for name in names:
        query = questions()[name]
        for day in ("2019-06-30", "2024-02-29"):
            bound = Question(endpoint, query, {"on": [day]}).query(("text/csv",))
            assert is_changing(query.bind({"on": [day]}, BASE)), name
            assert not is_changing(bound.text), name
            assert bound.sent == query.bind({"on": [day]}, BASE)
            found, wanted = (
                cast("QuerySolutions", oxigraph().query(text, use_default_graph_as_union=True))
                for text in (bound.text, bound.sent)
            )
            assert list(map(str, found)) == list(map(str, wanted)), name


def refresh() -> None:
    for name in NAMES:
        text = written(from_oxigraph(bound(name)), parameters(name))
        (GOLDEN / f"{name}.csv").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--refresh"]:
        sys.exit("usage: python tests/test_queries.py --refresh")
    refresh()
