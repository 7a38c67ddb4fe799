"""A child under limits: what it is given, what it gives back, and how its end is told."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from coprod_kg.errors import Unreadable
from coprod_kg.sandbox import wire
from coprod_kg.sandbox.child import Child, ChildExit, Payloads, run, serve
from coprod_kg.sandbox.limits import Death, limited


def ran(code: str, seconds: float = 60.0) -> ChildExit:
    """How a program ends."""
    limits = "from coprod_kg.sandbox.limits import *\nimport os, resource, signal, sys, time\n"
    return run([sys.executable, "-c", limits + code], seconds=seconds)


@pytest.mark.parametrize(
    ("code", "death"),
    [
        ("print('done')", None),
        ("sys.exit(1)", Death.FAULT),
        ("with deadline(0.1): time.sleep(60)", Death.DEADLINE),
        ("no_core_files(); cap_memory(64); b'x' * (1 << 30)", Death.FAULT),
        ("no_core_files(); os.abort()", Death.MEMORY),
        ("no_core_files(); os.kill(os.getpid(), signal.SIGSEGV)", Death.DEPTH),
        ("os.kill(os.getpid(), signal.SIGTERM)", Death.OUTSIDE),
        (
            'no_core_files(); os.write(2, b"thread panicked at x.rs:1\\nno such index\\n");'
            "os.abort()",
            Death.PANIC,
        ),
    ],
)
def test_the_end_of_a_child_says_which_limit_it_met(code: str, death: Death | None) -> None:
    assert ran(code).death is death


def test_a_child_without_a_deadline_of_its_own_is_ended_from_here() -> None:
    assert ran("time.sleep(60)", seconds=1.0).death is Death.DEADLINE


def test_the_last_words_of_a_child_are_kept() -> None:
    ended = ran("raise ValueError('what was wrong')")
    assert ended.last_words == "ValueError: what was wrong"


def test_a_child_knows_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPROD_BASE_IRI", "https://elsewhere.example/")
    assert b"COPROD" not in ran("print(dict(os.environ))").output


def echo(message: dict[str, Any], payloads: list[bytes]) -> Payloads:
    """The work of the child of these tests: what it was given, or an error."""
    os.write(1, b"a stray print")
    if message["fails"]:
        raise Unreadable("this cannot be read", where="line 3", fix="Mend it.")
    with limited(60, 512):
        return {"seen": message["name"]}, [*payloads, b"more"]


def main() -> None:
    """The whole life of that child."""
    serve(echo)


def asked(*, fails: bool) -> ChildExit:
    task = {"name": "a", "fails": fails}
    command = [sys.executable, "-c", "from tests.test_child import main; main()"]
    return run(
        command,
        lambda file: wire.write(file, task, [b"x" * 5_000_000, b""]),
        seconds=60,
        environ={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        folder=Path(__file__).parents[1],
    )


def test_a_message_and_its_bytes_go_there_and_back() -> None:
    answer = asked(fails=False).answer(10_000_000)
    assert answer == ({"seen": "a"}, [b"x" * 5_000_000, b"", b"more"])
    assert asked(fails=False).answer(1_000_000) is None, "it gave back more than was asked for"


def test_an_error_of_the_child_is_the_same_error_here() -> None:
    with pytest.raises(Unreadable, match="this cannot be read") as caught:
        asked(fails=True).answer(1_000)
    assert (caught.value.where, caught.value.fix) == ("line 3", "Mend it.")


def test_a_child_is_gone_when_its_context_ends() -> None:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with Child([sys.executable, "-c", code]) as child:
        number = int(child.output.readline())
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
