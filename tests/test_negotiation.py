"""What a client accepts decides what it gets, to the letter of RFC 9110."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coprod_kg.errors import NotAcceptable, WrongUsage
from coprod_kg.formats.media_types import FORMATS, GRAPHS, HTML, ROWS, negotiate, offers_by_name

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
SPARQL_WRAPPER = "application/sparql-results+json,application/json,text/javascript"


def first(accept: str | None) -> str:
    return negotiate(accept)[0].content_type.partition(";")[0]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "application/sparql-results+json"),
        ("", "application/sparql-results+json"),
        ("*/*", "application/sparql-results+json"),
        ("application/*", "application/sparql-results+json"),
        ("text/*", "text/csv"),
        (BROWSER, "text/html"),
        (SPARQL_WRAPPER, "application/sparql-results+json"),
        ("application/json", "application/json"),
        ("application/json;q=0.9, application/sparql-results+json;q=0.1", "application/json"),
        ("text/csv;q=0.5, text/tab-separated-values", "text/tab-separated-values"),
        ("text/csv;q=0.1, */*;q=0.01", "text/csv"),
        ("TEXT/CSV", "text/csv"),
        ("text/csv ; charset=utf-8 ; q=1.000", "text/csv"),
        ('text/csv;note="a,b;q=0", text/html;q=0.5', "text/csv"),
        ("application/sparql-results+json;q=0, */*", "application/sparql-results+xml"),
        ("application/*;q=0, */*;q=0.5", "text/csv"),
        ("nonsense, text/csv", "text/csv"),
        ("text/csv, application/json", "text/csv"),
    ],
)
def test_the_best_format_is_chosen(accept: str | None, expected: str) -> None:
    assert first(accept) == expected


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "*/*;q=0", "text/plain"])
def test_nothing_is_chosen_where_nothing_fits(accept: str) -> None:
    with pytest.raises(NotAcceptable) as refused:
        negotiate(accept)
    assert "text/turtle" in (refused.value.fix or "")


def test_triples_asked_as_json_are_called_json_ld() -> None:
    assert [one.content_type for one in negotiate("application/json", GRAPHS)] == [
        "application/ld+json"
    ]


def test_each_family_keeps_its_own_order() -> None:
    wanted = negotiate("text/turtle;q=0.2, application/rdf+xml, text/csv;q=0.9")
    assert [one.format.name for one in wanted] == ["rdf", "csv", "ttl"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("json", ["json", "jsonld"]),
        ("xml", ["xml", "rdf"]),
        ("CSV", ["csv"]),
        ("turtle", ["ttl"]),
        ("text/turtle", ["ttl"]),
        ("application/ld json", ["jsonld"]),
        ("application/json", ["json", "jsonld"]),
        ("html", ["html"]),
    ],
)
def test_a_format_has_short_names(name: str, expected: list[str]) -> None:
    assert [one.format.name for one in offers_by_name(name)] == expected


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(WrongUsage) as refused:
        offers_by_name("parquet")
    assert all(one.name in (refused.value.fix or "") for one in FORMATS)


def test_no_two_formats_share_a_name_or_a_media_type() -> None:
    assert len({one.name for one in FORMATS}) == len(FORMATS)
    assert len({one.media_type for one in FORMATS}) == len(FORMATS)
    assert {one.family for one in (*ROWS, *GRAPHS, HTML)} == {"rows", "graph", "page"}


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=200))
def test_no_accept_header_breaks_the_negotiation(accept: str) -> None:
    try:
        wanted = negotiate(accept)
    except NotAcceptable:
        return
    assert len({one.format.name for one in wanted}) == len(wanted) > 0
