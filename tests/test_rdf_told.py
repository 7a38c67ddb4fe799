"""What a file of RDF says in words that nobody here knows is told, with what was likely meant."""

from pathlib import Path

import pyoxigraph as ox
import pytest

from coprod_kg.ingest.lines import lines_of
from coprod_kg.ingest.report.text import as_text
from coprod_kg.ingest.reported import reported
from coprod_kg.ingest.submit import Outcome, SubmitOptions, SubmittedFile, submit, validate
from coprod_kg.model.files import files
from coprod_kg.settings import Settings
from coprod_kg.validation.report import Finding, Severity
from tests.memory_store import MemoryStore
from tests.test_submitting import BASE, PREFIXES, asked, initiative, organisation, sent, town

TOP = PREFIXES.count("\n")
TOWN = organisation("town")
PANEL = initiative("panel", "town")
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
SOME_EXAMPLES = [
    path.read_text("utf-8") for path in sorted((files("examples") / "cases").glob("*.ttl"))[::20]
]
RDF_XML = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:cp="https://w3id.org/coprod/ontology#"
 xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#" xmlns:org="http://www.w3.org/ns/org#"
 xml:lang="da">
<org:Organization rdf:about="https://w3id.org/coprod/id/organisation/town">
<rdfs:label>By</rdfs:label></org:Organization>
<cp:Initiative rdf:about="https://w3id.org/coprod/id/initiative/panel" rdfs:label="Panel">
<cp:runBy rdf:resource="https://w3id.org/coprod/id/organisation/town"/>
<cp:sector rdf:resource="https://w3id.org/coprod/vocab/sector/health"/>
%s</cp:Initiative>
</rdf:RDF>
"""
JSON_LD = """{"@context": {"cp": "https://w3id.org/coprod/ontology#", "org": "http://www.w3.org/ns/org#",
  "label": {"@id": "http://www.w3.org/2000/01/rdf-schema#label", "@language": "en"},
  "runBy": {"@id": "cp:runBy", "@type": "@id"}, "ignored": null, "about": "@nest"},
 "@graph": [{"@id": "id/organisation/town", "@type": "org:Organization", "label": "Town"},
  {"@id": "id/initiative/panel", "@type": "cp:Initiative", "label": "Panel",
   "runBy": "id/organisation/town",
   "cp:sector": {"@id": "https://w3id.org/coprod/vocab/sector/health"},
%s}]}
"""


def panel(said: str) -> tuple[str, bytes]:
    """A file in which more is said of an initiative."""
    return "town.ttl", (PREFIXES + TOWN + PANEL + f"<id/initiative/panel> {said} .\n").encode()


def after(old: str, new: str) -> tuple[str, bytes]:
    """A sound file in which something is written otherwise."""
    return "town.ttl", (PREFIXES + TOWN + PANEL).replace(old, new).encode()


def xml(said: str) -> tuple[str, bytes]:
    return "town.rdf", (RDF_XML % said).encode()


def json_ld(said: str) -> tuple[str, bytes]:
    return "town.jsonld", (JSON_LD % said).encode()


# What is sent: the rule that tells, the weight, and what the words have in them.
TOLD: dict[str, tuple[tuple[str, bytes], str, Severity, str]] = {
    "http for https": (
        after("<https://w3id.org/coprod/ontology#>", "<http://w3id.org/coprod/ontology#>"),
        *("KnownTerm", Severity.VIOLATION, "Did you mean <https://w3id.org/coprod/ontology#>?"),
    ),
    "the # is missing": (
        after("<https://w3id.org/coprod/ontology#>", "<https://w3id.org/coprod/ontology>"),
        *("KnownTerm", Severity.VIOLATION, "Did you mean <https://w3id.org/coprod/ontology#>?"),
    ),
    "a slash for the #": (
        after("<https://w3id.org/coprod/ontology#>", "<https://w3id.org/coprod/ontology/>"),
        *("KnownTerm", Severity.VIOLATION, "Did you mean <https://w3id.org/coprod/ontology#>?"),
    ),
    "a letter is missing": (
        after("<https://w3id.org/coprod/ontology#>", "<https://w3id.org/coprod/ontolgy#>"),
        *("KnownTerm", Severity.VIOLATION, "Did you mean <https://w3id.org/coprod/ontology#>?"),
    ),
    "a capital": (
        after("<https://w3id.org/coprod/ontology#>", "<https://w3id.org/coprod/Ontology#>"),
        *("KnownTerm", Severity.VIOLATION, "Did you mean <https://w3id.org/coprod/ontology#>?"),
    ),
    "a prefix as if it were a scheme": (
        panel("<cp:place> 'Aarhus'@en"),
        *("KnownTerm", Severity.VIOLATION, "Did you mean <https://w3id.org/coprod/ontology#>?"),
    ),
    "another vocabulary's namespace": (
        after("<http://www.w3.org/ns/org#>", "<https://www.w3.org/ns/org#>"),
        *("KnownTerm", Severity.WARNING, "Did you mean <http://www.w3.org/ns/org#>?"),
    ),
    "a property that is none": (
        panel("cp:startDat '2021'"),
        *("KnownTerm", Severity.VIOLATION, "Did you mean cp:startDate?"),
    ),
    "a class that is none": (
        after("a cp:Initiative", "a cp:Initative"),
        *("KnownTerm", Severity.VIOLATION, "Did you mean cp:Initiative?"),
    ),
    "a class of another vocabulary under our prefix": (
        after("a cp:Initiative", "a cp:Initiative , cp:Organisation"),
        *("KnownTerm", Severity.VIOLATION, "Did you mean org:Organization?"),
    ),
    "a property of another vocabulary": (
        panel("rdfs:lable 'Panel'@da"),
        *("KnownTerm", Severity.WARNING, "Did you mean rdfs:label?"),
    ),
    "a concept with a slip": (
        after("sector:health", "sector:helth"),
        *("Initiative-sector", Severity.VIOLATION, "Did you mean sector:health?"),
    ),
    "a concept by its label": (
        after("sector:health", '"Sundhed"'),
        *("Initiative-sector", Severity.VIOLATION, "Did you mean sector:health?"),
    ),
    "a concept in a namespace with a slip": (
        after("vocab/sector/>", "vocab/sectors/>"),
        *("Initiative-sector", Severity.VIOLATION, "Did you mean sector:health?"),
    ),
    "a code of two letters": (
        panel("cp:country country:DK"),
        *("Initiative-country", Severity.VIOLATION, "Did you mean country:DNK?"),
    ),
    "a thing named in another scheme": (
        panel("cp:succeeds <http://w3id.org/coprod/id/initiative/pond>"),
        *("OwnReference", Severity.VIOLATION, "Did you mean <id/initiative/pond>?"),
    ),
    "a subject named in another scheme": (
        after("<id/initiative/panel>", "<http://w3id.org/coprod/id/initiative/panel>"),
        *("OwnSubject", Severity.VIOLATION, "Did you mean <id/initiative/panel>?"),
    ),
    "a name without a letter": (
        after('"panel"@en', '" "@en'),
        *("Thing-label", Severity.VIOLATION, "A thing has a name for people"),
    ),
    "a name that is none": (
        after('"town"@en', '"N/A"@en'),
        *("ProperName", Severity.VIOLATION, "'N/A' names nothing and nobody."),
    ),
    "a name of signs only": (
        after('"town"@en', '"?"'),
        *("ProperName", Severity.VIOLATION, "'?' names nothing and nobody."),
    ),
    "a sign that XML cannot hold": (
        panel("cp:place 'Aar\\u000Bhus'@en"),
        *("PlainText", Severity.VIOLATION, "U+000B"),
    ),
    "a thing of which nothing says what it is": (
        panel("<http://purl.org/dc/terms/relation> <id/thing/x> . <id/thing/x> rdfs:label 'X'@en"),
        *("CoveredThing", Severity.VIOLATION, "Nothing says what this thing is"),
    ),
    "a thing of a kind that nobody asks for": (
        panel("rdfs:seeAlso <id/x/y> . <id/x/y> a <http://xmlns.com/foaf/0.1/Image>"),
        *("CoveredThing", Severity.WARNING, "foaf:Image"),
    ),
    "an end before the start, in five digits": (
        panel(f'cp:startDate "10000"^^<{XSD}gYear> ; cp:endDate "2020"^^<{XSD}gYear>'),
        *("InitiativeDates-order", Severity.VIOLATION, "The end is before the start"),
    ),
    "graphs with names": (
        (
            "town.trig",
            f"{PREFIXES} <urn:g> {{ {TOWN} }} GRAPH <urn:h> {{ {PANEL} }}".encode(),
        ),
        *("NamedGraph", Severity.WARNING, "<urn:g>, <urn:h>"),
    ),
    "a key without a meaning": (
        json_ld('   "Ort der Handlung": "Aarhus"'),
        *("KnownKey", Severity.WARNING, '"Ort der Handlung" has no meaning'),
    ),
    "a key with a slip": (
        json_ld('   "lable": "Panel 2"'),
        *("KnownKey", Severity.VIOLATION, 'Did you mean "label"?'),
    ),
    "a keyword with a slip": (
        json_ld('   "@typ": "cp:Initiative"'),
        *("KnownKey", Severity.VIOLATION, 'Did you mean "@type"?'),
    ),
    "a key within a key": (
        json_ld('   "about": {"plaice": "Aarhus"}'),
        *("KnownKey", Severity.WARNING, '"plaice" has no meaning'),
    ),
}
SOUND: dict[str, tuple[str, bytes]] = {
    "a year with a zone, and a day in it": panel(
        f'cp:startDate "2019Z"^^<{XSD}gYear> ; cp:endDate "2019-05-01"^^<{XSD}date>'
    ),
    "a day with a zone, and its month": panel(
        f'cp:startDate "2019-05-31+02:00"^^<{XSD}date> ; cp:endDate "2019-05"^^<{XSD}gYearMonth>'
    ),
    "a year with a zone that looks like a month": panel(
        f'cp:startDate "2019-05:00"^^<{XSD}gYear> ; cp:endDate "2019-03"^^<{XSD}gYearMonth>'
    ),
    "years before ours": panel(
        f'cp:startDate "-0044"^^<{XSD}gYear> ; cp:endDate "-0043"^^<{XSD}gYear>'
    ),
    "a language taken away": xml('<cp:place xml:lang="">Vestby</cp:place>'),
    "a language taken away, and words that look so": xml(
        '<cp:place rdf:datatype = "http://www.w3.org/2001/XMLSchema#string"\n  xml:lang = \'\' >'
        '<!-- <a xml:lang=""> --><![CDATA[<a xml:lang="">]]></cp:place>'
    ),
    "a document type in a text": xml("<cp:place><![CDATA[<!DOCTYPE x>]]></cp:place>"),
    "a document type in a comment": xml("<!-- <!DOCTYPE x [<!ENTITY y 'z'>]> -->"),
    "a key that is left out by the context": json_ld('   "ignored": "Aarhus"'),
    "a line end of a typewriter": panel('cp:place "Aar\\rhus"@en'),
    "a thing by what is said of it": after("a cp:Initiative ; ", ""),
    "who runs it, said the other way round": (
        "town.ttl",
        (
            PREFIXES + TOWN + PANEL.replace("cp:runBy <id/organisation/town> ;", "")
        ).encode() + b"<id/organisation/town> cp:runs <id/initiative/panel> .\n",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What is found in every case, all of them checked in one call."""
    settings = Settings.load({"data": tmp_path_factory.mktemp("data")}, {})
    cases = {**{name: case[0] for name, case in TOLD.items()}, **SOUND}
    files = [SubmittedFile(file, content) for file, content in cases.values()]
    return dict(zip(cases, validate(files, settings), strict=True))


@pytest.mark.parametrize("case", TOLD)
def test_what_nobody_here_knows_is_told(case: str, outcomes: dict[str, Outcome]) -> None:
    _, rule, weight, words = TOLD[case]
    found = [one for one in outcomes[case].report.findings if one.shape.endswith(f"#{rule}")]
    assert [one for one in found if said(one, words)], outcomes[case]
    assert {one.severity for one in found if said(one, words)} == {weight}


def said(finding: Finding, words: str) -> bool:
    return words in f"{finding.message} {finding.fix or ''}"


@pytest.mark.parametrize("case", SOUND)
def test_what_is_sound_is_read(case: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[case].triples > 0
    heavy = [one for one in outcomes[case].report.findings if one.severity != Severity.INFO]
    labels = [one for one in heavy if not one.shape.endswith("#Thing-labelLanguage")]
    assert labels == []


def test_a_thing_without_a_type_is_held_to_what_its_type_demands(tmp_path: Path) -> None:
    bad = "<id/initiative/panel> cp:lifecycleStatus <https://w3id.org/coprod/vocab/status/x> .\n"
    typed = sent("town.ttl", TOWN, PANEL, bad)
    bare = SubmittedFile("town.ttl", typed.content.replace(b" a cp:Initiative ;", b""))
    settings = Settings.load({"data": tmp_path}, {})
    rules = [
        [(finding.shape, finding.path, finding.value) for finding in outcome.report.findings]
        for one in (typed, bare)
        for outcome in validate([one], settings)
    ]
    assert rules[0] == rules[1]
    assert "Initiative-lifecycleStatus" in str(rules)


BLANK = """<id/organisation/town> a org:Organization ; rdfs:label "Town"@en .
<id/initiative/panel> a cp:Initiative ; rdfs:label "Panel"@en ; cp:runBy <id/organisation/town> ;
  cp:sector sector:health .
[ a cp:StageAssessment ; rdfs:label "One"@en ; cp:about <id/initiative/panel> ;
  cp:stage stage:projct ; cp:claimedBy [ a prov:Agent ; rdfs:label "Team"@en ] ;
  cp:basis basis:self-claim ] .
_:two a cp:StageAssessment ; rdfs:label "Two"@en ;
  cp:about <id/initiative/panel> ; cp:claimedBy <id/organisation/town> ; cp:basis basis:self-claim ;
  cp:stage stage:progamme .
"""


def test_what_is_wrong_about_a_thing_without_a_name_is_told_at_its_line(tmp_path: Path) -> None:
    [outcome] = validate([sent("town.ttl", BLANK)], Settings.load({"data": tmp_path}, {}))
    told = {
        (str(one.spot), str(one.fix))
        for one in outcome.report.findings
        if one.severity is Severity.VIOLATION
    }
    assert told == {
        (f"line {TOP + 5}", "Did you mean stage:project?"),
        (f"line {TOP + 9}", "Did you mean stage:programme?"),
    }
    text = as_text(reported([outcome]), BASE)
    assert "[…] cp:stage" in text
    assert "genid" not in text


def test_a_thing_named_like_a_concept_is_not_taken_for_a_slip_of_it() -> None:
    claim = """<id/participation/one> a cp:Participation ; rdfs:label "One"@en ;
  cp:about <id/initiative/volunteer> ; cp:role <https://w3id.org/coprod/vocab/role/volunteer> ;
  cp:claimedBy <id/organisation/town> ; cp:basis basis:self-claim .
"""
    [outcome] = validate(
        [sent("town.ttl", TOWN, initiative("volunteer", "town"), claim)], Settings()
    )
    [one] = [one for one in outcome.report.findings if one.shape.endswith("#BothSides-roles")]
    assert one.value == f"<{BASE}id/initiative/volunteer>"
    assert "Did you mean" not in str(one.fix)


def test_a_property_that_nobody_knows_is_named_once() -> None:
    [outcome] = validate([town("; cp:runby <id/organisation/town> ; cp:zzz 1")], Settings())
    text = as_text(reported([outcome]), BASE)
    assert (text.count("cp:runby"), text.count("cp:zzz")) == (1, 1)
    assert text.count("The ontology has no term of this name") == 1


TRICKY = (
    """@prefix ex: <http://x/> .
# a comment. with a stop
ex:a ex:p "a text. with a stop" , 1.5 , 2 .
PREFIX ey: <http://x/y#> ex:b ex:p """
    + "'''long. 'text'\nof lines.'''"
    + """ ;
  ex:q [ ex:r ex:a ] , ( ex:a ex:b ) .
<http://x/c> ex:p.q <http://x/a> , <a.b> . ey:d a ex:T.
_:e ex:p "x"^^ex:t , "y"@en .
[ ex:p ex:a ] ex:q ex:b .
ex:a ex:q "later" ."""
)
TRIG = TRICKY + "\nex:g { ex:a ex:in ex:b . ex:b ex:in ex:a } GRAPH ex:h { ex:h ex:in ex:a }"


@pytest.mark.parametrize("text", [TRICKY, TRIG, *SOME_EXAMPLES])
def test_the_lines_of_one_thing_are_those_found_with_all_others(text: str) -> None:
    form = ox.RdfFormat.TRIG if text is TRIG else ox.RdfFormat.TURTLE
    subjects = {
        quad.subject.value
        for quad in ox.parse(text.encode(), form, base_iri=BASE)
        if isinstance(quad.subject, ox.NamedNode)
    }
    every_line = lines_of(text, BASE, subjects).of
    assert {key[0] for key in every_line} == subjects
    for subject in sorted(subjects)[:40]:
        assert lines_of(text, BASE, {subject}).of == {
            key: line for key, line in every_line.items() if key[0] == subject
        }
    if text is TRICKY:
        assert every_line["http://x/a", "http://x/q", "later"] == 10
        assert every_line["http://x/y#d", RDF_TYPE, "http://x/T"] == 7


def test_two_things_without_a_name_that_say_the_same_are_given_no_line() -> None:
    text = '<urn:a> <urn:p> [ <urn:q> "x" ] .\n<urn:b> <urn:p> [ <urn:q> "x" ] .\n'
    said_of = {"urn:g": {("urn:q", '"x"')}}
    assert lines_of(text, BASE, ["urn:g"], said_of).line("urn:g", None, None) is None
    other = text.replace('"x" ] .\n<urn:b>', '"y" ] .\n<urn:b>')
    assert lines_of(other, BASE, ["urn:g"], said_of).line("urn:g", None, None) == 2


def test_a_text_keeps_its_carriage_return_through_a_patch(tmp_path: Path) -> None:
    store, settings = MemoryStore(), Settings.load({"data": tmp_path / "data"}, {})
    submit([town('; dcterms:description "one\\r\\ntwo"@en')], store, settings)
    [outcome] = submit(
        [sent("town.ttl", initiative("pond", "town"), stated="town")],
        store,
        settings,
        options=SubmitOptions(patch=True),
    )
    assert outcome.accepted
    assert asked(store, '<id/initiative/panel> dcterms:description "one\\r\\ntwo"@en')
