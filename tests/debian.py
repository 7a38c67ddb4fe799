"""A Debian root with Python and systemd, and images that buildah makes over it, for tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

__all__ = ["Builder", "debian_root"]

_RELEASE = "bookworm"
_PACKAGES = "ca-certificates,python-is-python3,python3-venv,systemd-sysv"
_CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")


def debian_root() -> Path:
    """The root, made by debootstrap once and kept in the folder for caches."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "coprod-kg"
    root, unfinished = cache / f"debian-{_RELEASE}", cache / f"debian-{_RELEASE}.unfinished"
    if not root.exists():
        shutil.rmtree(unfinished, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _RELEASE, unfinished)
        shutil.rmtree(unfinished / "var/cache/apt/archives")
        if (host := "/" / _CERTIFICATES).exists():  # packages may come through a proxy with its own
            shutil.copyfile(host, unfinished / _CERTIFICATES)
        (unfinished / "etc/pip.conf").write_text(f"[global]\ncert = /{_CERTIFICATES}\n")
        unfinished.rename(root)
    return root


def run(*command: object) -> str:
    """What a command prints; a test that fails shows what it complained of."""
    ran = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if ran.returncode:
        pytest.fail(f"{command[:3]}: {ran.stderr[-3000:]}")
    return ran.stdout


@dataclass(frozen=True)
class Builder:
    """buildah, with its images and containers in a folder, and no network of its own."""

    folder: Path

    def command(self, *arguments: object) -> list[str]:
        """A command of buildah."""
        places = (f"--root={self.folder}/storage", f"--runroot={self.folder}/run")
        return ["buildah", *places, "--storage-driver=vfs", *map(str, arguments)]

    def __call__(self, *arguments: object) -> str:
        """Run a command; what it prints, without the end of the line."""
        return run(*self.command(*arguments)).strip()

    def base(self) -> str:
        """The name of an image of the Debian root."""
        with self.container("scratch") as container:
            self("add", "--quiet", container, debian_root(), "/")
            self("commit", "--quiet", container, "base")
        return "localhost/base"

    @contextmanager
    def container(self, image: str) -> Iterator[str]:
        """A container of an image, as long as the context lasts."""
        container = self("from", image)
        try:
            yield container
        finally:
            self("rm", container)
