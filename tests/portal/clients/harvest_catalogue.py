"""What CKAN's harvester of DCAT (ckanext-dcat) takes from a catalogue; prints it as JSON.

It runs in an environment of its own, without a database: ``python harvest_catalogue.py ADDRESS``.
"""

import json
import sys

from ckanext.dcat.harvesters.rdf import (  # type: ignore[import-not-found]  # in its own environment
    DCATRDFHarvester,
)
from ckanext.dcat.processors import RDFParser  # type: ignore[import-not-found]  # the same

_MOST_PAGES = 20


class Harvester(DCATRDFHarvester):  # type: ignore[misc]  # its class is not known to us
    """The harvester as it is, but for errors: they end the run and go into no database."""

    def _save_gather_error(self, message: str, job: object) -> None:
        raise SystemExit(message)


def main(address: str) -> None:
    """Take every page, as the harvester's stage ``gather`` does."""
    harvester, pages = Harvester(), 0
    datasets: list[dict[str, object]] = []
    page: str | None = address
    form = None
    while page and pages < _MOST_PAGES:
        content, form = harvester._get_content_and_type(page, None, 1, content_type=form)
        parser = RDFParser(profiles=["euro_dcat_ap_3"])
        parser.parse(content, _format=form)
        datasets += parser.datasets()
        page, pages = parser.next_page(), pages + 1
    sys.stdout.write(json.dumps({"pages": pages, "format": form, "datasets": datasets}))


if __name__ == "__main__":
    main(sys.argv[1])
