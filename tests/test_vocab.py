"""Claims about the form of the concept schemes: complete, unambiguous, sourced, no loose end.

Claims about their content are in ``tests/vocab``. Nothing here tells whether a label is good Danish
or German: that takes a reader.
"""

import re
from collections import Counter

import pytest
from rdflib import Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, OWL, RDF, SKOS

from tests.vocab.reading import (
    CLASSES,
    CP,
    HOME,
    LANGUAGES,
    NOT_SCHEMES,
    TOP,
    VOCAB,
    ancestors,
    concepts,
    graph,
    languages,
    listed,
)

__all__: list[str] = []

each_scheme = pytest.mark.parametrize("name", sorted(CLASSES))
each_file = pytest.mark.parametrize("name", sorted([*CLASSES, *NOT_SCHEMES]))


def test_every_file_is_a_scheme_that_is_tested() -> None:
    assert {path.stem for path in VOCAB.glob("*.ttl")} == {*CLASSES, *NOT_SCHEMES}


@each_file
def test_a_file_is_in_its_canonical_form(name: str) -> None:
    path = VOCAB / f"{name}.ttl"
    assert path.read_bytes() == graph(name).serialize(format="longturtle", encoding="utf-8")


@each_scheme
def test_a_scheme_says_what_it_is_whose_and_which_version(name: str) -> None:
    scheme, data = URIRef(HOME + name), graph(name)
    assert list(data.subjects(RDF.type, SKOS.ConceptScheme)) == [scheme]
    for predicate in (DCTERMS.title, SKOS.prefLabel, DCTERMS.description):
        assert languages(data.objects(scheme, predicate)) == list(LANGUAGES)
    for predicate in (DCTERMS.license, DCTERMS.creator, OWL.versionInfo):
        assert len(list(data.objects(scheme, predicate))) == 1
    assert list(data.objects(scheme, DCTERMS.source))


@each_scheme
def test_a_concept_is_of_its_schemes_class(name: str) -> None:
    kind = CP[CLASSES[name]]
    for concept in concepts(name):
        assert set(graph(name).objects(concept, RDF.type)) == {SKOS.Concept, kind}
        assert list(graph(name).objects(concept, SKOS.inScheme)) == [URIRef(HOME + name)]


def test_every_class_of_a_concept_is_in_the_ontology() -> None:
    ontology = Graph().parse(TOP / "ontology" / "coprod.ttl", format="turtle")
    missing = [name for name in CLASSES.values() if (CP[name], RDF.type, OWL.Class) not in ontology]
    assert not missing


@each_scheme
def test_a_concept_has_one_label_in_each_language(name: str) -> None:
    for concept in concepts(name):
        labels = languages(graph(name).objects(concept, SKOS.prefLabel))
        assert labels == list(LANGUAGES), concept


@each_scheme
def test_a_label_names_one_concept_of_its_scheme(name: str) -> None:
    preferred = Counter(graph(name).objects(None, SKOS.prefLabel))
    assert not [label for label, count in preferred.items() if count > 1]
    for concept, label in graph(name).subject_objects(SKOS.altLabel):
        assert isinstance(label, Literal)
        assert label.language in LANGUAGES
        assert label not in preferred, f"{concept}: {label}"
    other = Counter(graph(name).objects(None, SKOS.altLabel))
    assert not [label for label, count in other.items() if count > 1]


@each_scheme
def test_a_definition_is_one_sentence_of_its_own_in_each_language(name: str) -> None:
    every = Counter(graph(name).objects(None, SKOS.definition))
    assert not [text for text, count in every.items() if count > 1]
    for concept in concepts(name):
        texts = list(graph(name).objects(concept, SKOS.definition))
        assert languages(texts) == list(LANGUAGES), concept
        for text in map(str, texts):  # a full stop within is that of a number
            assert re.fullmatch(r"[A-ZÆØÅÄÖÜ]([^.]|(?<=\d)\.(?=\d))+\.", text), (concept, text)


@each_scheme
def test_a_scope_note_is_there_in_each_language(name: str) -> None:
    for concept in set(graph(name).subjects(SKOS.scopeNote)):
        assert languages(graph(name).objects(concept, SKOS.scopeNote)) == list(LANGUAGES), concept


@each_scheme
def test_the_notation_is_the_last_part_of_the_iri(name: str) -> None:
    for concept in concepts(name):
        (notation,) = graph(name).objects(concept, SKOS.notation)
        assert concept == URIRef(f"{HOME}{name}/{notation}")
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(notation))


@each_scheme
def test_a_concept_has_a_source(name: str) -> None:
    for concept in concepts(name):
        sources = list(graph(name).objects(concept, DCTERMS.source))
        assert sources, concept
        assert all(isinstance(one, URIRef) and re.match(r"https?://", one) for one in sources)


def test_a_doi_was_read_and_not_guessed() -> None:
    prefix = "https://doi.org/"
    cited = {
        str(source).removeprefix(prefix)
        for name in [*CLASSES, *NOT_SCHEMES]
        for source in graph(name).objects(None, DCTERMS.source)
        if str(source).startswith(prefix)
    }
    assert cited == listed("dois.txt")


@each_scheme
def test_broader_and_narrower_say_the_same(name: str) -> None:
    broader = set(graph(name).subject_objects(SKOS.broader))
    assert broader == {(low, high) for high, low in graph(name).subject_objects(SKOS.narrower)}
    assert {one for pair in broader for one in pair} <= set(concepts(name))


@each_scheme
def test_every_concept_hangs_below_a_top_concept_and_on_no_circle(name: str) -> None:
    data, scheme = graph(name), URIRef(HOME + name)
    tops = set(data.subjects(SKOS.topConceptOf, scheme))
    assert tops == set(data.objects(scheme, SKOS.hasTopConcept))
    for concept in concepts(name):
        above = ancestors(name, concept)
        assert concept not in {high for one in above for high in data.objects(one, SKOS.broader)}
        assert len({concept, *above} & tops) == 1, concept
        assert (concept in tops) == (not above), concept
