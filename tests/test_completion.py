"""Claims about what a shell completes."""

import os
import subprocess
import sys


def completed(words: str) -> list[str]:
    """What fish is offered for the last word of a line."""
    last = words.rpartition(" ")[2]
    environment = {
        **os.environ,
        "_COPROD_KG_COMPLETE": "fish_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": last,
    }
    ended = subprocess.run(
        [sys.executable, "-m", "coprod_kg.cli"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.partition(",")[2] for line in ended.stdout.splitlines() if line]


def test_the_names_of_saved_queries_are_completed() -> None:
    assert "initiatives-at-stage" in completed("coprod-kg query initiatives-")
    assert not completed("coprod-kg query nothing-begins-so")
