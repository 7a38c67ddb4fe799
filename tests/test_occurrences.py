"""Two claimants who tell of one flow or barrier: what counts them counts it once."""

from functools import cache
from pathlib import Path

import pytest
from pyoxigraph import QuerySolutions, RdfFormat, Store

from coprod_kg.model.files import files
from coprod_kg.queries.library import load

BASE = "https://w3id.org/coprod/"
TELLING = f"""BASE <{BASE}>
PREFIX basis: <vocab/basis/>
PREFIX barrier: <vocab/barrier/>
PREFIX cp: <ontology#>
PREFIX direction: <vocab/direction/>
PREFIX learning-level: <vocab/learning-level/>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
<id/knowledge-flow/second> a cp:KnowledgeFlow ; cp:about <id/initiative/alpha> ;
  cp:direction direction:feed-forward ; cp:occurredOn "2019"^^xsd:gYear ;
  cp:basis basis:self-claim ; cp:sameOccurrenceAs <id/knowledge-flow/alpha-up> .
<id/knowledge-flow/outwards> a cp:KnowledgeFlow ; cp:about <id/initiative/alpha> ;
  cp:direction direction:lateral ; cp:toLevel learning-level:inter-organisation .
<id/barrier-report/first> a cp:BarrierReport ; cp:about <id/initiative/alpha> ;
  cp:barrier barrier:unclear-mandate ; cp:sameOccurrenceAs <id/barrier-report/second> ;
  cp:validFrom "2010"^^xsd:gYear ; cp:validUntil "2012"^^xsd:gYear .
<id/barrier-report/second> a cp:BarrierReport ; cp:about <id/initiative/alpha> ;
  cp:barrier barrier:unclear-mandate ;
  cp:validFrom "2010"^^xsd:gYear ; cp:validUntil "2016"^^xsd:gYear .
"""


@cache
def store() -> Store:
    found = Store()
    tiny = Path(__file__).with_name("tiny.ttl")
    for path in (tiny, *sorted((files("ontology") / "vocab").glob("*.ttl"))):
        found.load(path=str(path), format=RdfFormat.TURTLE)
    found.load(TELLING.encode(), format=RdfFormat.TURTLE)
    return found


def rows(name: str) -> list[dict[str, str]]:
    text = load(files("queries") / "questions")[name].bind({}, BASE)
    answer = store().query(text)
    assert isinstance(answer, QuerySolutions)
    names = [variable.value for variable in answer.variables]
    return [{key: row[key].value for key in names if row[key] is not None} for row in answer]


def test_a_flow_told_twice_counts_once() -> None:
    counted = {row.get("year"): row["feedForward"] for row in rows("learning-flows-by-direction")}
    assert counted["2019"] == "1"


def test_a_barrier_told_twice_lasts_as_long_as_its_first_telling_says() -> None:
    (found,) = (row for row in rows("barrier-durations") if "unclear-mandate" in row["barrier"])
    assert (found["dated"], found["longest"], float(found["mean"])) == ("1", "2", 2.0)


@pytest.mark.parametrize(
    ("initiative", "receiver"), [("Alpha", "none named"), ("Beta", "North City")]
)
def test_a_lesson_is_reused_elsewhere_though_the_receiver_is_not_named(
    initiative: str, receiver: str
) -> None:
    told = [(row["initiativeLabel"], row["toLabel"]) for row in rows("lessons-reused-elsewhere")]
    assert told.count((initiative, receiver)) == 1
