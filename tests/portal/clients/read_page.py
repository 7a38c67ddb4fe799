"""What clients that nobody here wrote find on a dataset's page; prints it as JSON.

It runs in an environment of its own: ``python read_page.py ADDRESS``.
"""

import json
import sys
import urllib.request
from typing import Any

import extruct  # type: ignore[import-not-found]  # in its own environment only
from signposting import (  # type: ignore[import-not-found]  # the same
    find_signposting_html,
    find_signposting_http,
    find_signposting_linkset,
)


def main(address: str) -> None:
    """Read the page by its text, its headers, its links and its linkset."""
    sent = urllib.request.Request(address, headers={"Accept": "text/html"})
    with urllib.request.urlopen(sent) as answer:
        page = answer.read().decode()
    data = extruct.extract(page, base_url=address, syntaxes=["json-ld"])["json-ld"]
    http = find_signposting_http(address)
    ways = {
        "http": http,
        "html": find_signposting_html(address),
        "linkset": find_signposting_linkset(next(iter(http.linksets)).target),
    }
    links = {way: told(found) for way, found in ways.items()}
    sys.stdout.write(json.dumps({"data": data, "links": links}))


def told(found: Any) -> dict[str, list[str]]:
    """The targets by relation."""
    links: dict[str, list[str]] = {}
    for post in found.signposts:
        links.setdefault(str(post.rel), []).append(str(post.target))
    return {rel: sorted(targets) for rel, targets in links.items()}


if __name__ == "__main__":
    main(sys.argv[1])
