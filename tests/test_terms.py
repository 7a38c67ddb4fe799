"""Claims about terms: what is read is what is written, and nothing slips through."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode

from coprod_kg.errors import WrongUsage
from coprod_kg.model.terms import XSD, literal, parse_iri, parse_term, serialise, text_of

BASE = "https://example.org/"
PREFIXES = {"stage": "https://example.org/vocab/stage/", "": "urn:none:", "xsd": XSD}

texts = st.text(st.characters(exclude_categories=["Cs"]))
local_names = st.text("abcXYZ019_-.é/%20#?&=:~", max_size=20)


def iri_or_none(text: str) -> NamedNode | None:
    try:
        return NamedNode(text)
    except ValueError:
        return None


iris = (
    st.builds("{}{}".format, st.sampled_from([*PREFIXES.values(), BASE, "urn:x:"]), local_names)
    .map(iri_or_none)
    .filter(lambda one: one is not None)
)
terms = st.one_of(
    iris,
    texts.map(Literal),
    st.builds(lambda text: Literal(text, language="en-gb"), texts),
    st.builds(lambda text: Literal(text, datatype=NamedNode("urn:dt")), texts),
    st.integers().map(lambda n: Literal(str(n), datatype=NamedNode(XSD + "integer"))),
)


@given(terms)
@settings(deadline=None)
def test_a_term_written_as_text_reads_back_as_the_same_term(term: NamedNode | Literal) -> None:
    assert parse_term(text_of(term, PREFIXES), base_iri=BASE, prefixes=PREFIXES) == term


@given(terms)
@settings(deadline=None)
def test_a_term_written_for_sparql_reads_back_as_the_same_term(term: NamedNode | Literal) -> None:
    assert parse_term(serialise(term), base_iri=BASE) == term


@given(st.text())
@settings(deadline=None)
def test_any_text_is_a_term_or_wrong_usage(text: str) -> None:
    try:
        term = parse_term(text, base_iri=BASE, prefixes=PREFIXES)
    except WrongUsage:
        return
    assert parse_term(serialise(term), base_iri=BASE) == term


@pytest.mark.parametrize(
    ("text", "iri"),
    [
        ("stage:project", "https://example.org/vocab/stage/project"),
        ("id/initiative/x", "https://example.org/id/initiative/x"),
        ("<id/initiative/x>", "https://example.org/id/initiative/x"),
        ("https://other.example/y", "https://other.example/y"),
        ("mailto:a@example.org", "mailto:a@example.org"),
    ],
)
def test_an_iri_may_be_full_or_relative_or_a_prefix_and_a_name(text: str, iri: str) -> None:
    assert parse_iri(text, base_iri=BASE, prefixes=PREFIXES).value == iri


@pytest.mark.parametrize(
    "text", ["", " ", "a b", "x> } DROP ALL {", "_:b", "http://[x", "a\nb", "\ud800", "<", "{}"]
)
def test_what_is_no_iri_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage):
        parse_iri(text, base_iri=BASE, prefixes=PREFIXES)


@pytest.mark.parametrize(
    ("text", "datatype"),
    [
        ("2021-02-30", "date"),
        ("2021-13", "gYearMonth"),
        ("21", "gYear"),
        ("1,5", "decimal"),
        ("yes", "boolean"),
        ("٣", "integer"),
        ("2021-03-01T25:00:00", "dateTime"),
        ("1\n", "integer"),
    ],
)
def test_a_literal_that_its_datatype_does_not_permit_is_refused(text: str, datatype: str) -> None:
    with pytest.raises(WrongUsage):
        literal(text, datatype)


@pytest.mark.parametrize(
    ("text", "datatype"),
    [
        ("2020-02-29", "date"),
        ("2021-03", "gYearMonth"),
        ("2021", "gYear"),
        ("1.5", "decimal"),
        ("true", "boolean"),
        ("2021-03-01T23:59:59.5+02:00", "dateTime"),
    ],
)
def test_a_literal_that_its_datatype_permits_is_kept_as_it_is(text: str, datatype: str) -> None:
    made = literal(text, datatype)
    assert (made.value, made.datatype.value) == (text, XSD + datatype)
