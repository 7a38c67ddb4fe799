"""Fetches pip's wheel where Python came without ensurepip; it never runs what it fetched.

Usage: fetch_pip.py LOCK TARGET. The version and the accepted SHA-256 sums are those in the lock;
only the standard library is used, because there is nothing else yet.
"""

import hashlib
import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

ACCEPT = "application/vnd.pypi.simple.v1+json"


def locked(lock: str) -> tuple[str, set[str]]:
    """The version of pip in a lock file, and the hashes it may have."""
    entry = re.search(r"^pip==(\S+)((?:\s*\\\s*--hash=sha256:\w+)+)", lock, re.MULTILINE)
    if entry is None:
        raise SystemExit("The lock file does not name pip with its hashes: run `make lock`.")
    return entry[1], set(re.findall(r"sha256:(\w+)", entry[2]))


def get(url: str, accept: str = "*/*") -> bytes:
    """The bytes at an address; the proxy variables of the environment are honoured."""
    if urllib.parse.urlsplit(url).scheme != "https":
        raise SystemExit(f"{url} is not an https address.")
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 # https only
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 # https only
        body: bytes = answer.read()
    return body


def wheel(version: str) -> bytes:
    """The wheel of that version of pip from the package index."""
    index = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/") + "/pip/"
    name = f"pip-{version}-py3-none-any.whl"
    for file in json.loads(get(index, ACCEPT))["files"]:
        if file["filename"] == name:
            return get(urllib.parse.urljoin(index, file["url"]))
    raise SystemExit(f"{index} does not offer {name}.")


def main(lock: str, target: str) -> None:
    """Fetch, compare with the lock, write."""
    version, sums = locked(Path(lock).read_text(encoding="utf-8"))
    try:
        body = wheel(version)
    except (urllib.error.URLError, TimeoutError, json.JSONDecodeError) as error:
        raise SystemExit(
            f"This Python has no pip, and pip could not be fetched ({error}).\n"
            "Give it one and try again:  sudo apt install python3-venv"
        ) from None
    if hashlib.sha256(body).hexdigest() not in sums:
        raise SystemExit(f"The pip {version} that was fetched is not the one in {lock}.")
    Path(target).write_bytes(body)


if __name__ == "__main__":
    main(*sys.argv[1:])
