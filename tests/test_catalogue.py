"""Claims about the catalogue: each mistake in a file is named with its line, each value checked."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, QuerySolutions, Store

from coprod_kg.errors import ModelError, WrongUsage
from coprod_kg.model.namespaces import term
from coprod_kg.model.schemes import Concept, Scheme, schemes
from coprod_kg.queries.library import SavedQuery, load, read
from coprod_kg.queries.suppression import SmallCounts
from coprod_kg.sparql.tokens import position, tokens

BASE = "https://example.org/"
STAGE = "https://w3id.org/coprod/vocab/stage/"
VOCABULARY = {
    "stage": Scheme(
        "stage",
        STAGE[:-1],
        {
            slug: Concept(STAGE + slug, slug, {"en": slug})
            for slug in ("pilot-project", "project", "programme")
        },
    )
}
CLEAN = """\
#+ summary: Which?
#+ description: All of them.
#+ tags: stage, overview
#+ answers: CQ-01
#+ param stage: concept stage | Only this stage.
#+ param initiative: iri initiative | Only this one.
#+ param months: integer = 12 | At least.
#+ param since: date | From this day on.
#+ param word: string | A word.
#+ param open: boolean | Whether.
#+ column n: How many.
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
SELECT (COUNT(*) AS ?n)
WHERE {
  VALUES ?stage { UNDEF }
  VALUES ?initiative { UNDEF }
  VALUES ?months { 12 }
  VALUES ?since { UNDEF }
  VALUES ?word { UNDEF }
  VALUES ?open { UNDEF }
}
ORDER BY ?n
"""


def saved(folder: Path, text: str = CLEAN, name: str = "a-question") -> SavedQuery:
    path = folder / f"{name}.rq"
    path.write_text(text, encoding="utf-8")
    return read(path, VOCABULARY)


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> SavedQuery:
    return saved(tmp_path_factory.mktemp("queries"))


def bind(query: SavedQuery, **values: str) -> str:
    return query.bind({name: [value] for name, value in values.items()}, BASE, VOCABULARY)


def test_a_clean_file_says_all_of_itself(query: SavedQuery) -> None:
    assert query.name == "a-question"
    assert query.summary == "Which?"
    assert query.tags == ("stage", "overview")
    assert query.answers == ("CQ-01",)
    assert [one.name for one in query.parameters][:3] == ["stage", "initiative", "months"]
    assert query.parameters[2].default == "12"
    assert query.columns[0].description == "How many."
    assert (query.form, query.media_types) == ("SELECT", ("application/sparql-results+json",))


MISTAKES = [
    ("#+ summary: Which?", "#+ summary: Which.", 1, "ends with '?'"),
    ("#+ summary: Which?\n", "", 1, "no 'summary'"),
    ("#+ tags: stage, overview", "#+ tags: Stage", 3, "'Stage' is not a tag"),
    ("#+ tags: stage, overview", "#+ tag: stage", 3, "no key 'tag'"),
    ("#+ tags: stage, overview", "#+ tags", 3, "expected '#+ key: value'"),
    ("#+ answers: CQ-01", "#+ answers: 1", 4, "not a competency question"),
    ("#+ answers: CQ-01", "#+ summary: Again?", 4, "given twice, first in line 1"),
    ("concept stage |", "concept stages |", 5, "no scheme 'stages'"),
    ("concept stage |", "thing |", 5, "no type 'thing'"),
    ("concept stage | Only this stage.", "concept stage", 5, "no description"),
    ("iri initiative |", "iri project |", 6, "no kind 'project'"),
    ("integer = 12", "integer = many", 7, "the default of parameter months"),
    ("integer = 12", "integer = 13", 17, "holds '12'; the header asks for '13'"),
    ("date |", "date day |", 8, "date takes nothing after it"),
    ("#+ param word", "#+ param 1word", 9, "not the name of a variable"),
    ("#+ column n: How many.\n", "", 12, "column ?n has no line"),
    ("#+ column n: How many.", "#+ column n: How many.\n#+ unit m: months", 12, "before its unit"),
    ("#+ column n: How many.", "#+ column n: How many.\n#+ key: n, m", 12, "key names no column"),
    ("#+ answers: CQ-01", "#+ small-counts: m below 5", 4, "names no column: 'm'"),
    ("#+ answers: CQ-01", "#+ small-counts: n below 1", 4, "'1' is no threshold"),
    ("#+ answers: CQ-01", "#+ small-counts: n below 5", 4, "'n' is no number"),
    ("#+ answers: CQ-01", "#+ small-counts: n below 5, within n", 4, "names 'n' twice"),
    ("#+ answers: CQ-01", "#+ small-counts: n below 5", 22, "ORDER BY ?n would tell"),
    ("#+ answers: CQ-01", "#+ small-counts: below 5", 4, "expected 'COLUMN below NUMBER"),
    ("#+ answers: CQ-01", "#+ parts: mean", 4, "expected union or sum, found 'mean'"),
    ("#+ answers: CQ-01", "#+ parts: sum", 4, "no column counts anything"),
    ("integer = 12", "integer required = 12", 7, "is required and has a default"),
    ("integer = 12", "integer = today", 7, "the default of parameter"),
    ("#+ param word", "#+ param limit", 9, "'limit' is no name for a parameter"),
    ("integer = 12", f"integer = {'9' * 5000}", 7, "larger than a number can be"),
    ("date |", "date singular |", 8, "date takes nothing after it"),
    ("#+ column n", "#+ column m", 11, "projects no ?m"),
    ("VALUES ?stage { UNDEF }", "", 5, "has no line 'VALUES ?stage { UNDEF }'"),
    ("#+ param word: string | A word.\n", "", 18, "declares no param word"),
    ("SELECT (COUNT(*) AS ?n)", "SELECT *", 13, "SELECT * hides"),
    ("ORDER BY ?n\n", "", 1, "no ORDER BY"),
    ("ORDER BY ?n", "ORDER BY ?n LIMIT 5", 22, "LIMIT belongs"),
    ("ORDER BY ?n", "ORDER BY ?n VALUES ?n { 1 }", 22, "no place for a LIMIT"),
    ("ORDER BY ?n", "#+ tags: late", 22, "header line after the header"),
    ("SELECT (COUNT(*) AS ?n)\nWHERE", "DROP", 1, "there is no query here"),
]


@pytest.mark.parametrize(("old", "new", "line", "what"), MISTAKES)
def test_a_mistake_is_named_with_its_line(
    old: str, new: str, line: int, what: str, tmp_path: Path
) -> None:
    assert old in CLEAN
    with pytest.raises(ModelError) as caught:
        saved(tmp_path, CLEAN.replace(old, new))
    lines = caught.value.what.splitlines()
    assert any(f"a-question.rq:{line}: " in one and what in one for one in lines), lines


IN_PARTS = """#+ summary: How many are there of each?
#+ description: A row for each kind.
#+ tags: stage
#+ column kind: Of which kind.
#+ column n: How many.
#+ unit n: things
#+ parts: sum
SELECT ?kind (COUNT(DISTINCT ?thing) AS ?n)
WHERE { ?thing a ?kind }
GROUP BY ?kind
ORDER BY DESC(?n) ?kind
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("parts: sum", "parts: mean", 7, "expected union or sum, found 'mean'"),
        ("#+ unit n: things\n", "", 6, "no column counts anything"),
        ("?thing a ?kind", "GRAPH ?g { ?thing a ?kind }", 9, "GRAPH sees more than one part"),
        ("GROUP BY ?kind", "GROUP BY ?kind HAVING (COUNT(?thing) > 1)", 10, "HAVING sees more"),
        ("COUNT(DISTINCT ?thing)", "AVG(?thing)", 8, "AVG sees more than one part"),
        ("DESC(?n) ?kind", "DESC(COUNT(?thing)) ?kind", 11, "?thing is no column"),
        (
            "?thing a ?kind",
            "VALUES ?on { UNDEF } ?thing a ?kind\n# on",
            7,
            "the parameter on has another value each day",
        ),
    ],
)
def test_an_answer_that_has_no_parts_does_not_say_so(
    old: str, new: str, line: int, what: str, tmp_path: Path
) -> None:
    assert saved(tmp_path, IN_PARTS).parts == "sum"
    text = IN_PARTS.replace(old, new)
    if "?on" in text:
        text = text.replace("#+ parts", "#+ param on: date = today | On this day.\n#+ parts")
        line += 1
    with pytest.raises(ModelError) as caught:
        saved(tmp_path, text)
    lines = caught.value.what.splitlines()
    assert any(f"a-question.rq:{line}: " in found and what in found for found in lines), lines


def test_the_rule_for_small_counts_is_part_of_what_is_said_of_a_query(tmp_path: Path) -> None:
    rule = "#+ small-counts: n below 5\n#+ column n: How many.\n#+ unit n: users"
    text = CLEAN.replace("#+ column n: How many.", rule).replace("ORDER BY ?n", "ORDER BY ?stage")
    query = saved(tmp_path, text)
    assert query.small_counts == SmallCounts("n", 5)
    assert query.described()["small_counts"] == "n below 5"


def test_an_order_by_an_aggregate_would_tell_of_withheld_counts(tmp_path: Path) -> None:
    rule = "#+ small-counts: n below 5\n#+ column n: How many.\n#+ unit n: users"
    text = CLEAN.replace("#+ column n: How many.", rule)
    with pytest.raises(ModelError, match=r"ORDER BY COUNT would tell about withheld counts"):
        saved(tmp_path, text.replace("ORDER BY ?n", "ORDER BY COUNT(*)"))


def test_a_graph_has_no_cells_to_withhold(tmp_path: Path) -> None:
    text = """\
#+ summary: Which?
#+ description: All of them.
#+ tags: stage
#+ column n: How many.
#+ unit n: users
#+ small-counts: n below 5
CONSTRUCT WHERE { ?a ?b ?n }
"""
    with pytest.raises(ModelError, match=r"a-question.rq:6: .*only the rows of a SELECT"):
        saved(tmp_path, text)
    text = text.replace("CONSTRUCT", "#+ parts: union\nCONSTRUCT")
    with pytest.raises(ModelError, match=r"(?s):6: .*cells to withhold.*:7: .*have parts"):
        saved(tmp_path, text)


def test_no_question_of_the_model_counts_people() -> None:
    """If one does some day, it declares a rule, and this test goes."""
    people = {"people", "persons", "users", "citizens", "patients", "carers", "participants"}
    for query in load().values():
        units = {word for one in query.columns for word in one.unit.split()}
        assert query.small_counts is None, query.name
        assert not units & people, query.name


def test_a_column_is_headed_by_its_label_with_its_unit(tmp_path: Path) -> None:
    more = "#+ column n: How many.\n#+ unit n: initiatives\n#+ key: n"
    plain = saved(tmp_path, CLEAN.replace("#+ column n: How many.", more))
    assert plain.columns[0].heading == "N (initiatives)"
    assert plain.key == ("n",)
    named = saved(tmp_path, CLEAN.replace("#+ column n: How many.", f"{more}\n#+ label n: Found"))
    assert named.columns[0].heading == "Found (initiatives)"


def test_a_label_that_names_the_unit_does_not_say_it_twice(tmp_path: Path) -> None:
    more = "#+ column n: How many.\n#+ unit n: months\n#+ label n: Months since"
    query = saved(tmp_path, CLEAN.replace("#+ column n: How many.", more))
    assert query.columns[0].heading == "Months since"


def test_a_parameter_takes_as_many_values_as_it_says(tmp_path: Path) -> None:
    text = CLEAN.replace("date |", "date single required |")
    query = saved(tmp_path, text)
    with pytest.raises(WrongUsage, match="has no value"):
        query.bind({}, BASE)
    with pytest.raises(WrongUsage, match="takes one value, found 2"):
        query.bind({"since": ["2021-03-01", "2021-03-02"]}, BASE)
    assert query.bind({"since": ["2021-03-01"]}, BASE) != query.text


def test_every_number_of_every_question_has_a_unit() -> None:
    for query in load().values():
        for column in query.columns:
            if column.description.startswith(("How many", "The mean", "The months", "The share")):
                assert column.unit, f"{query.name}: {column.name}"
        if query.form == "SELECT":
            assert query.key, f"{query.name} does not say what tells one row from another"


def test_columns_come_in_the_order_of_the_query(tmp_path: Path) -> None:
    text = CLEAN.replace("(COUNT(*) AS ?n)", "?m ?n").replace(
        "#+ column n: How many.", "#+ column n: N.\n#+ column m: M."
    )
    with pytest.raises(ModelError, match="list them in that order"):
        saved(tmp_path, text)


def test_a_name_is_a_slug(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not a slug"):
        saved(tmp_path, name="A question")


def test_a_file_that_is_not_utf8_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.rq").write_bytes(b"#+ summary: \xff?")
    with pytest.raises(ModelError, match=re.escape("a.rq:1: this is not UTF-8")):
        read(tmp_path / "a.rq", VOCABULARY)


def test_every_file_with_mistakes_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.rq").write_text("SELECT * { }", encoding="utf-8")
    (tmp_path / "two.rq").write_text("", encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load(tmp_path, VOCABULARY)
    assert "one.rq:1: SELECT *" in caught.value.what
    assert "two.rq:1: the header has no 'summary'" in caught.value.what


def test_without_values_the_text_stays_as_it_is(query: SavedQuery) -> None:
    assert query.bind({}, BASE, VOCABULARY) == CLEAN
    assert bind(query, stage="", word="") == CLEAN


@pytest.mark.parametrize(
    ("name", "value", "term"),
    [
        ("stage", "project", f"<{STAGE}project>"),
        ("stage", "stage:project", f"<{STAGE}project>"),
        ("stage", f"{STAGE}project", f"<{STAGE}project>"),
        ("stage", f"<{STAGE}project>", f"<{STAGE}project>"),
        ("initiative", "ryhov-self-care", f"<{BASE}id/initiative/ryhov-self-care>"),
        ("initiative", "https://other.example/x", "<https://other.example/x>"),
        ("months", "3", '"3"^^<http://www.w3.org/2001/XMLSchema#integer>'),
        ("since", "2021-03-01", '"2021-03-01"^^<http://www.w3.org/2001/XMLSchema#date>'),
        ("word", 'say "hi"', '"say \\"hi\\""'),
        ("open", "true", '"true"^^<http://www.w3.org/2001/XMLSchema#boolean>'),
    ],
)
def test_a_value_becomes_a_term(query: SavedQuery, name: str, value: str, term: str) -> None:
    default = "12" if name == "months" else "UNDEF"
    expected = CLEAN.replace(f"?{name} {{ {default} }}", f"?{name} {{ {term} }}")
    assert bind(query, **{name: value}) == expected


def test_several_values_become_several_terms(query: SavedQuery) -> None:
    text = query.bind({"stage": ["project", "programme", "project"]}, BASE, VOCABULARY)
    assert f"VALUES ?stage {{ <{STAGE}project> <{STAGE}programme> }}" in text


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("stage", "pilot", "(did you mean pilot-project?). Permitted: pilot-project, project"),
        ("stage", f"{STAGE}none", "is no concept of the scheme stage"),
        ("initiative", "two words", "is not the slug or the IRI of one initiative"),
        ("initiative", f"{BASE}id/agent/x", "of the kind agent, not initiative"),
        ("initiative", "http://a b", "is not an IRI"),
        ("months", "many", "a whole number such as 12"),
        ("months", "9" * 30, "larger than a number can be"),
        ("months", "-" + "9" * 5000, "larger than a number can be"),
        ("months", str(2**63), "larger than a number can be"),
        ("months", str(-(2**63) - 1), "larger than a number can be"),
        ("since", "2021-02-30", "a day such as 2021-03-01"),
        ("since", "2021", "a day such as 2021-03-01"),
        ("word", "\ud800", "is not"),
        ("open", "yes", "is not true or false"),
        ("moths", "1", "no such parameter (did you mean months?). Permitted: stage"),
    ],
)
def test_a_bad_value_is_refused_with_what_is_permitted(
    query: SavedQuery, name: str, value: str, message: str
) -> None:
    with pytest.raises(WrongUsage) as caught:
        bind(query, **{name: value})
    assert caught.value.what.splitlines()[1].startswith(f"{name}: ")
    assert message in caught.value.what


def test_every_bad_value_is_listed_at_once(query: SavedQuery) -> None:
    with pytest.raises(WrongUsage) as caught:
        bind(query, stage="x", months="y", other="z", word="fine")
    first, *rest = caught.value.what.splitlines()
    assert first == "3 parameters do not fit"
    assert sorted(line.partition(":")[0] for line in rest) == ["months", "other", "stage"]


def test_any_thing_goes_by_kind_and_slug_or_by_iri(tmp_path: Path) -> None:
    query = saved(tmp_path, CLEAN.replace("iri initiative", "iri thing"))
    assert f"<{BASE}id/agent/x>" in bind(query, initiative="agent/x")
    assert f"<{BASE}id/agent/x>" in bind(query, initiative=f"{BASE}id/agent/x")
    with pytest.raises(WrongUsage, match="is not the IRI of a thing"):
        bind(query, initiative="x")


WORD = """\
#+ summary: Which?
#+ description: It.
#+ tags: word
#+ param word: string | A word.
#+ column word: It.
SELECT ?word WHERE { VALUES ?word { UNDEF } } ORDER BY ?word
"""


@pytest.fixture(scope="module")
def word(tmp_path_factory: pytest.TempPathFactory) -> SavedQuery:
    return saved(tmp_path_factory.mktemp("word"), WORD)


HOSTILE = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(["}", "{", '"', "'", "\\", "\n", "\r", "\t", "UNDEF", "UNION", "#", " "])
    ).map("".join),
)


STARTS = (
    *("http://example.org/", "urn:x:", "<http://example.org/", f"{BASE}id/initiative/"),
    *("stage:", "stage:project", "project", "2021-03-01", "12", "true", "initiative/"),
)
ATTACKS = (
    *("} DROP ALL #", "UNDEF } } ; DROP ALL ; #", "1 } UNION { ?s ?p ?o", "?stage", "$x", "UNDEF"),
    *(
        '"@en',
        '"^^<http://example.org/>',
        "'''",
        '"""',
        "> } #",
        "\\u007D",
        "\\u003E \\u007D",
        "\x00",
    ),
    *(
        "SERVICE <http://127.0.0.1/> {}",
        "<http://a> <http://b>",
        "http://a\\u003Eb",
        "12 13",
        "1e9",
    ),
    *("\u2028}", "\ufeff", "\u202e}", "(1 2)", "<< ?s ?p ?o >>", "PREFIX x: <y>", "true false"),
)
INJECTED = HOSTILE | st.one_of(
    st.sampled_from(ATTACKS),
    st.tuples(st.sampled_from(STARTS), HOSTILE | st.sampled_from(ATTACKS)).map("".join),
)


@settings(max_examples=200, deadline=None)
@given(INJECTED.filter(bool))
def test_a_text_changes_nothing_but_the_bound_term(word: SavedQuery, text: str) -> None:
    answer = Store().query(word.bind({"word": [text]}, BASE, VOCABULARY))
    assert isinstance(answer, QuerySolutions)
    assert [row["word"] for row in answer] == [Literal(text)]


@settings(max_examples=200, deadline=None)
@given(INJECTED)
def test_a_text_is_never_taken_for_another_type(query: SavedQuery, text: str) -> None:
    for name in ("stage", "initiative", "months", "since", "open"):
        try:
            changed = bind(query, **{name: text})
        except WrongUsage:
            continue
        default = "12" if name == "months" else "UNDEF"
        before, after = CLEAN.split(f"VALUES ?{name} {{ {default} }}")
        assert changed.startswith(before)
        assert changed.endswith(after)
        held = changed[len(before) : len(changed) - len(after)]
        store = Store()
        answer = store.query(f"SELECT ?{name} WHERE {{ {held} }}")
        assert isinstance(answer, QuerySolutions)
        assert len(list(answer)) == 1


@given(st.text() | HOSTILE)
def test_the_tokens_of_any_text_are_the_text(text: str) -> None:
    assert "".join(token.text for token in tokens(text)) == text


def test_a_position_counts_lines_and_columns_from_one() -> None:
    assert [position("ab\ncd", offset) for offset in (0, 1, 3, 4)] == [
        (1, 1),
        (1, 2),
        (2, 1),
        (2, 2),
    ]


def test_the_schemes_of_the_model_have_labels_in_three_languages() -> None:
    for scheme in schemes().values():
        for concept in scheme.concepts.values():
            assert concept.iri.endswith(f"/{concept.slug}")
            assert {"en", "da", "de"} <= concept.labels.keys(), concept.iri
    assert schemes()["stage"].concepts["pilot-project"].label("da") == "Pilotprojekt"
    assert schemes()["stage"].find("stage:project") is schemes()["stage"].concepts["project"]


def test_a_scheme_that_is_not_turtle_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bad.ttl").write_text("<a> <b>\n<c", encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        schemes(tmp_path)
    assert re.search(r"bad\.ttl:\d+$", caught.value.where or "")


def test_a_concept_without_a_label_is_called_by_its_slug() -> None:
    assert Concept("urn:x", "x", {}).label("da") == "x"


def test_at_least_thirty_competency_questions_have_a_query() -> None:
    assert len({answer for query in load().values() for answer in query.answers}) >= 30
    assert len(load()) >= 30


def test_a_translated_question_uses_the_words_of_the_vocabularies() -> None:
    """In German a barrier is a Hemmnis, an enabler a Förderfaktor, a step an Übergang."""
    strange = {"da": "skridt", "de": "Barriere|Hindernis|förderlich|Schritt"}
    for query in load().values():
        for language, text in query.summaries:
            assert not re.search(strange[language], text), text


def test_every_question_uses_terms_that_the_ontology_defines() -> None:
    used = {
        token.text.removeprefix("cp:")
        for query in load().values()
        for token in tokens(query.text)
        if token.kind == "pname" and token.text.startswith("cp:") and token.text != "cp:"
    }
    for name in sorted(used):
        term(name)
