"""Child process that runs morph-kgc, the RML engine, within limits.

It runs in the engine's own environment, whose libraries are older than ours, and by its path:
standard library only. It works in the current directory; connections and files elsewhere, save the
libraries themselves, are denied.
"""

import importlib
import importlib.util
import json
import os
import re
import resource
import runpy
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

__all__ = ["FAULTS", "MISSING", "PLACES", "QUERIES", "main"]

MISSING: Final = 3
"""The exit code where this Python has no engine."""
FAULTS: Final = 4
"""The exit code where queries do not run; the file `PLACES` lists them."""
QUERIES: Final = "queries.json"
"""The queries of the mapping: name, text, templates of the things made from a row."""
PLACES: Final = "places.json"
"""Of queries that do not run, the name and the error; else of each thing, where it is from."""
_PLACE: Final = "source_place"
_TEMPLATE: Final = re.compile(r"{([^{}]+)}")
_MB: Final = 2**20
_FORBIDDEN: Final = ("socket.", "subprocess.", "os.fork", "os.exec", "os.posix_spawn", "os.system")


def _load_module(path: Path) -> Any:
    """A module of ours, by its path: this Python does not have our package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _lookups(work: Path) -> Any:
    """The functions of ``lookups.py``, known to DuckDB from now on."""
    module = _load_module(Path(__file__).with_name("mapping_lookups.py"))
    lookups = module.Lookups(work / module.NAMES)
    lookups.register(importlib.import_module("duckdb"))
    return lookups


def _lock_database(work: str) -> None:
    """Let DuckDB read and write in the current directory only, and fetch nothing."""
    duckdb: Any = importlib.import_module("duckdb")
    run_query = duckdb.query

    def only_select(query: str) -> Any:
        """Run SELECT alone: for INSTALL, DuckDB fetches extensions against its settings."""
        statements = duckdb.extract_statements(query)
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise PermissionError("a mapping may not do this: a query is one SELECT")
        return run_query(query)

    duckdb.query = only_select
    quoted = work.replace("'", "''")
    for setting in (
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        f"allowed_directories = ['{quoted}']",
        "enable_external_access = false",
        "threads = 1",
        # Last: no query can undo the settings above.
        "lock_configuration = true",
    ):
        duckdb.execute(f"SET {setting}")


def _try_queries(work: Path) -> bool:
    """Run each query once; write the faults of those that fail, else the row of each thing."""
    database: Any = importlib.import_module("duckdb")
    faults: list[tuple[str, str]] = []
    places: dict[str, str] = {}
    stated_places: dict[str, str] = {}
    for name, text, templates in json.loads((work / QUERIES).read_bytes()):
        try:
            answer = database.query(text)
            columns, rows = answer.columns, answer.fetchall()
        except (database.Error, PermissionError, ValueError) as error:
            if "out of memory" in str(error).lower():
                raise MemoryError from error
            faults.append((name, str(error)))
            continue
        for number, row in enumerate(rows, 1):
            cells = dict(zip(columns, row, strict=True))
            place = cells.get(_PLACE)
            for template in templates:
                iri = _TEMPLATE.sub(
                    lambda match: quote(str(cells.get(match[1].strip('"'))), safe=""),  # noqa: B023 # used at once
                    template,
                )
                places.setdefault(iri, f"row {number} of the query {name}")
                if place:
                    stated_places.setdefault(iri, str(place))
    (work / PLACES).write_text(json.dumps(faults or places | stated_places), encoding="utf-8")
    return not faults


def _deny_access(work: str) -> None:
    """Deny Python (by an audit hook) the network and all files but this directory and libraries."""
    libraries = tuple(
        os.path.realpath(folder) + os.sep
        for folder in {sys.prefix, sys.base_prefix, os.__file__[:-6]}
    )
    inside = work + os.sep

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_FORBIDDEN):
            # Not an exception: code that a mapping calls might catch it and go on.
            sys.stderr.write(f"a mapping may not do this: {event}\n")
            sys.stderr.flush()
            os._exit(1)
        if event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            writes = arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if path.startswith(inside) or (path.startswith(libraries) and not writes):
                return
            raise PermissionError(f"a mapping may not open this file: {arguments[0]!r}")

    sys.addaudithook(watch)


def main() -> None:
    """Run the mapping of ``engine.ini`` in the current directory."""
    seconds, memory_mb, output_mb = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if importlib.util.find_spec("morph_kgc") is None:
        sys.exit(MISSING)
    importlib.import_module("morph_kgc.mapping.mapping_parser")
    importlib.import_module("morph_kgc.materializer")
    os.dup2(2, 1)  # the engine's output is shown to the user where it fails
    limits = _load_module(Path(__file__).parents[1] / "sandbox" / "limits.py")
    limits.no_core_files()
    limits.cap_memory(memory_mb)
    resource.setrlimit(resource.RLIMIT_FSIZE, (output_mb * _MB, output_mb * _MB))
    work = Path.cwd().resolve()
    lookups = _lookups(work)
    _lock_database(os.path.realpath(os.getcwd()))
    _deny_access(os.path.realpath(os.getcwd()))
    sys.argv = ["morph_kgc", "engine.ini"]
    try:
        with limits.deadline(seconds):
            if not _try_queries(work):
                sys.exit(FAULTS)
            runpy.run_module("morph_kgc", run_name="__main__")
    except MemoryError:
        os.abort()
    finally:
        lookups.write_unmatched(work / "unmatched.json")


if __name__ == "__main__":
    main()
