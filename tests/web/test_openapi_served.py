"""Requests made from the document, right ones and wrong ones, to a service that runs.

The requests are the same each time (no random seed) and few for each operation, so that all of
them together take half a minute of processor time at most. What is wrong with a request depends on
the shape of its operation alone, so wrong ones are made for one of each shape.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.generation.case import Case
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.web.server import granian

Operation = APIOperation[Any, Any, Any, Any]
CHECKS = [
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
schemathesis.serializer.alias("application/sparql-query", "text/plain")
RIGHT = frozenset({200, 303, 404, 410, 503})
"""A right request for a question is answered; its version may be gone or not there yet, the lineage
nobody's, the time too short."""
SETTINGS = settings(
    max_examples=4,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def operations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Operation]]:
    folder = tmp_path_factory.mktemp("served")
    with granian("tests.web.tiny_served:app", folder) as (port, _):
        document = schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/openapi.json")
        yield [one.ok() for one in document.get_all_operations() if isinstance(one, Ok)]


def asked(operation: Operation, mode: GenerationMode) -> list[tuple[int, Case[Any]]]:
    """Send requests of one kind to an operation; each answer must be in the document."""
    found: list[tuple[int, Case[Any]]] = []

    @SETTINGS
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case[Any]) -> None:
        response = case.call()
        assert response.status_code not in (500, 502, 504), case.as_curl_command()
        case.validate_response(response, checks=CHECKS)
        found.append((response.status_code, case))

    ask()
    return found


def of_each_shape(operations: list[Operation]) -> list[Operation]:
    """One operation of those with the same method, body and parameters, whatever their names."""
    kept: dict[str, Operation] = {}
    for operation in operations:
        told = operation.definition.raw
        parameters = [one.get("$ref") or (one["in"], one["schema"]) for one in told["parameters"]]
        shape = operation.method, told.get("requestBody"), sorted(map(str, parameters))
        kept.setdefault(str(shape), operation)
    return list(kept.values())


def test_right_requests_are_answered_as_the_document_says(operations: list[Operation]) -> None:
    assert len(operations) > 60
    for operation in operations:
        for status, case in asked(operation, GenerationMode.POSITIVE):
            fixed = "{" not in operation.path and operation.path.count("/") == 2
            if operation.path.startswith("/queries/") and fixed:
                assert status in RIGHT, case.as_curl_command()


def test_wrong_requests_are_refused_as_the_document_says(operations: list[Operation]) -> None:
    wrong, shapes = 0, of_each_shape(operations)
    assert len(shapes) > 60
    for operation in shapes:
        try:
            found = asked(operation, GenerationMode.NEGATIVE)
        except Unsatisfiable:
            continue  # nothing about it can be wrong: it takes no parameter
        wrong += sum(400 <= status < 500 for status, _ in found)
    assert wrong > 100
