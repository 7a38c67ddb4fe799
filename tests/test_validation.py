"""A report groups what belongs together and weighs it rightly."""

import rdflib

from coprod_kg.validation import view
from coprod_kg.validation.report import Finding, Report, Severity


def finding(severity: Severity, focus: str, shape: str = "urn:shape") -> Finding:
    return Finding(severity, focus, "urn:path", '"x"', "Say it.", shape, "urn:component")


def test_only_a_violation_keeps_data_out() -> None:
    hints = Report((finding(Severity.WARNING, "urn:a"), finding(Severity.INFO, "urn:b")))
    assert hints.conforms
    assert not Report((finding(Severity.VIOLATION, "urn:a"),)).conforms


def test_findings_of_one_cause_are_counted_together_the_weightiest_first() -> None:
    report = Report(
        (
            finding(Severity.INFO, "urn:a"),
            *(finding(Severity.WARNING, f"urn:{n}", "urn:rare") for n in range(2)),
            *(finding(Severity.WARNING, f"urn:{n}", "urn:often") for n in range(5)),
            finding(Severity.VIOLATION, "urn:a"),
        )
    )
    told = [(one.severity, one.shape, one.count) for one in report.causes()]
    assert told == [
        (Severity.VIOLATION, "urn:shape", 1),
        (Severity.WARNING, "urn:often", 5),
        (Severity.WARNING, "urn:rare", 2),
        (Severity.INFO, "urn:shape", 1),
    ]


def test_a_finding_survives_its_way_through_json() -> None:
    one = finding(Severity.WARNING, "urn:a")
    assert Finding.of(one.as_dict()) == one


def test_a_report_can_be_relieved_of_findings_that_turned_out_to_be_none() -> None:
    stays, goes = finding(Severity.INFO, "urn:a"), finding(Severity.VIOLATION, "urn:b")
    assert Report((stays, goes)).without([goes]) == Report((stays,))


def test_a_remembered_query_gives_the_same_answer_with_other_bindings() -> None:
    view.install()
    graph = rdflib.Graph()
    graph.parse(data="<urn:a> <urn:p> 1 . <urn:b> <urn:p> 2 .", format="turtle")
    query = "SELECT ?value WHERE { ?this <urn:p> ?value }"
    answers = [
        [str(row[0]) for row in graph.query(query, initBindings={"this": rdflib.URIRef(name)})]  # type: ignore[index]  # rows of a SELECT
        for name in ("urn:a", "urn:b", "urn:a")
    ]
    assert answers == [["1"], ["2"], ["1"]]
