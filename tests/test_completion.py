"""Claims about what a shell completes; a real bash starts the command as people do."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from coprod_kg.cli.__main__ import coprod_kg
from coprod_kg.cli.completion import register

PATIENCE = 60.0
STAGES = "ad-hoc ad-hoc-collective ad-hoc-individual culture pilot-project programme project"
OWN = """#+ summary: Own?
#+ description: Own.
#+ tags: own
#+ param yes: boolean | Yes or no.
#+ param day: date single | A day.
#+ column n: One.
SELECT ?n { VALUES ?yes { UNDEF } VALUES ?day { UNDEF } BIND(1 AS ?n) } ORDER BY ?n
"""


@pytest.fixture(autouse=True, scope="module")
def _registered() -> None:
    """As the command does before all else."""
    register()


def asked(shell: str, words: str, current: str) -> list[str]:
    """What click's protocol answers a shell."""
    line = {"COMP_WORDS": words, "COMP_CWORD": current}
    ended = CliRunner().invoke(coprod_kg, env={"_COPROD_KG_COMPLETE": f"{shell}_complete", **line})
    assert ended.exit_code == 0, ended.output
    return ended.stdout.splitlines()


def in_fish(words: str) -> list[str]:
    lines = asked("fish", words, words.rpartition(" ")[2])
    return [line.partition(",")[2].partition("\t")[0] for line in lines if line]


def in_zsh(words: str) -> list[str]:
    return asked("zsh", words, str(words.count(" ")))[1::3]


def in_bash(*words: str) -> list[str]:
    """The words as bash parts them: ``stage=project`` are three."""
    lines = asked("bash", " ".join(words), str(len(words) - 1))
    return [line.partition(",")[2] for line in lines]


def test_the_names_of_saved_queries_are_completed() -> None:
    assert "initiatives-at-stage" in in_fish("coprod-kg query initiatives-")
    assert not in_fish("coprod-kg query nothing-begins-so")


def test_tags_are_completed() -> None:
    assert in_fish("coprod-kg queries barrier --tag sta") == ["stage", "stalled", "standpoint"]


@pytest.mark.parametrize("complete", [in_fish, in_zsh])
def test_names_and_values_of_parameters_are_completed(
    complete: Callable[[str], list[str]],
) -> None:
    assert complete("coprod-kg query barriers-by-stage -p ") == ["stage="]
    every = complete("coprod-kg query barriers-by-stage -p stage=")
    assert every == [f"stage={one}" for one in STAGES.split()]
    two = complete("coprod-kg query barriers-by-stage -p stage=culture -p stage=pro")
    assert two == ["stage=programme", "stage=project"]


def test_bash_is_offered_what_comes_after_its_own_break_of_words() -> None:
    begun = ("coprod-kg", "query", "barriers-by-stage", "-p")
    assert in_bash(*begun, "") == ["stage="]
    assert in_bash(*begun, "stage", "=") == STAGES.split()
    assert in_bash(*begun, "stage", "=", "pro") == ["programme", "project"]
    url = ("coprod-kg", "query", "--url", "http", ":", "//host", ":", "80", *begun[2:])
    assert in_bash(*url, "stage", "=", "pil") == ["pilot-project"]
    assert in_bash(*begun, "stage=pil") == ["stage=pilot-project"]  # where it does not break there


def test_own_queries_and_the_values_of_yes_and_no_are_completed(tmp_path: Path) -> None:
    (tmp_path / "own-one.rq").write_text(OWN)
    line = f"coprod-kg query --queries {tmp_path} own"
    assert in_fish(line) == ["own-one"]
    assert in_fish(f"{line}-one -p ") == ["yes=", "day="]
    assert in_fish(f"{line}-one -p yes=") == ["yes=true", "yes=false"]
    assert in_fish(f"{line}-one -p day=2021-03-01 -p ") == ["yes="]
    assert in_fish(f"{line}-one -p day=") == []


def test_nothing_is_completed_of_what_is_not_there_or_broken(tmp_path: Path) -> None:
    (tmp_path / "broken.rq").write_bytes(b"#+ summary: \xff\n")
    assert in_fish("coprod-kg query no-such-question -p ") == []
    assert in_fish("coprod-kg query barriers-by-stage -p nothing=") == []
    assert in_fish(f"coprod-kg query --queries {tmp_path} broken -p ") == []
    assert in_fish("coprod-kg query -p ") == []


def test_no_store_is_opened_and_no_workbook_library_loaded_to_complete(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert in_fish(f"coprod-kg query --data {folder} barriers-by-stage -p stage=")
    assert not folder.exists()
    program = (
        "import sys, coprod_kg.cli.query, coprod_kg.cli.queries\n"
        "sys.exit('openpyxl' in sys.modules or 'flask' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


class Terminal:
    """An interactive bash."""

    def __init__(self, folder: Path) -> None:
        program = folder / "coprod-kg"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m coprod_kg.cli "$@"\n')
        program.chmod(0o755)
        ours, theirs = pty.openpty()
        self._file = ours
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "TERM": "dumb"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def typed(self, keys: str, until: str) -> None:
        """Type, and read what appears until something does."""
        os.write(self._file, keys.encode())
        seen, end = "", time.monotonic() + PATIENCE
        while until not in seen:
            ready, _, _ = select.select([self._file], [], [], max(0, end - time.monotonic()))
            assert ready, seen
            seen += os.read(self._file, 1 << 16).decode(errors="replace")

    def close(self) -> None:
        self._bash.kill()
        self._bash.wait()
        os.close(self._file)


def test_a_real_bash_completes_a_value_behind_its_parameter(
    tmp_path: Path, require: Callable[[str], None]
) -> None:
    require("bash")
    terminal = Terminal(tmp_path)
    try:
        terminal.typed(
            """eval "$(_COPROD_KG_COMPLETE=bash_source coprod-kg)"; PS1='as''k> '\n""",
            "ask> ",
        )
        terminal.typed("coprod-kg query barriers-by-stage -p \t", "-p stage=")
        terminal.typed("pil\t", "pilot-project ")
    finally:
        terminal.close()
