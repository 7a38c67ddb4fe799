"""What operators are handed fits the program: unit and Containerfile are read, not run."""

import configparser
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from click import Command, Context

from coprod_kg.cli.__main__ import coprod_kg
from coprod_kg.settings import PREFIX, Settings

TOP = Path(__file__).parents[1]
UNIT = TOP / "deploy" / "coprod-kg.service"
CONTAINER = TOP / "deploy" / "Containerfile"
SETTINGS = {PREFIX + name.upper() for name in Settings.__slots__}


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # as configparser says
    parser.read(UNIT, encoding="utf-8")
    return parser


def instructions() -> list[tuple[str, str]]:
    text = CONTAINER.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines if line)]


def serve() -> Command:
    command = coprod_kg.get_command(Context(coprod_kg), "serve")
    assert command is not None
    return command


def known_flags() -> set[str]:
    return {flag for parameter in serve().params for flag in parameter.opts}


def test_the_unit_starts_the_service_with_flags_that_it_has() -> None:
    program, command, *flags = shlex.split(unit()["Service"]["ExecStart"])
    assert (Path(program).name, command) == ("coprod-kg", "serve")
    assert set(flags) <= known_flags()


def test_the_unit_confines_the_service() -> None:
    service = unit()["Service"]
    wanted = {
        "ProtectSystem": "strict",
        "NoNewPrivileges": "yes",
        "LimitCORE": "0",
        "KillMode": "mixed",
        "StateDirectory": "coprod-kg",
        "CapabilityBoundingSet": "",
    }
    assert {name: service[name] for name in wanted} == wanted


def test_stopping_has_longer_than_requests_under_way() -> None:
    assert int(unit()["Service"]["TimeoutStopSec"]) > 2 * Settings().stop_seconds


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path, require: Callable[[str], None]) -> None:
    require("systemd-analyze")
    copy = tmp_path / UNIT.name
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/sh", UNIT.read_text("utf-8"), flags=re.M)
    copy.write_text(text, encoding="utf-8")
    ran = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_container_copies_only_what_the_checkout_has() -> None:
    copies = [rest.split() for name, rest in instructions() if name == "COPY"]
    sources = [one for words in copies if "--from=build" not in words for one in words[:-1]]
    assert [one for one in sources if not (TOP / one).exists()] == []
    assert {"coprod_kg", "ontology", "shapes", "queries", "examples"} <= set(sources)


def test_the_container_runs_as_somebody_without_rights() -> None:
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert dict(instructions())["USER"] not in ("0", "root")


def test_every_setting_in_deploy_is_one() -> None:
    files = (UNIT, CONTAINER, UNIT.with_name("compose.yaml"))
    text = "".join(path.read_text("utf-8") for path in files)
    assert set(re.findall(r"COPROD_[A-Z_]+", text)) - {PREFIX} <= SETTINGS


def test_the_page_for_operations_names_settings_that_there_are() -> None:
    page = (TOP / "docs" / "operations.md").read_text("utf-8")
    keys = {name.replace("_", "-") for name in Settings.__slots__}
    prefixes = ("client", "log", "query", "queue", "submission", "trust")
    named = set(re.findall(rf"`((?:{'|'.join(prefixes)})-[a-z-]+)`", page))
    assert named
    assert named <= keys
