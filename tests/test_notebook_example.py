"""Claims about the example notebook: it runs from top to bottom, and is kept without its output."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.prepared import Prepared
from tests.test_serve_command import Serving, examples, served

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebooks" / "published-cases.ipynb"


def read() -> nbformat.NotebookNode:
    node: nbformat.NotebookNode = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    return node


@pytest.fixture(scope="module")
def service(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with served(
        examples(prepared, tmp_path_factory.mktemp("example")), "--workers", "1"
    ) as running:
        yield running


def test_the_example_notebook_runs_on_the_published_cases(
    service: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPROD_CONNECT", service.url)
    notebook = read()
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", [])]
    assert any("image/svg+xml" in one.get("data", {}) for one in outputs)
    assert any("@misc{" in one.get("text", "") for one in outputs)


def test_the_example_notebook_is_kept_without_output() -> None:
    for cell in read().cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
