"""``coprod-kg check-portal``: what a portal, a search engine or an editor would stumble over."""

import json
from dataclasses import asdict

import click

from coprod_kg.cli.context import setting_options
from coprod_kg.client.fetching import fetcher
from coprod_kg.errors import StoreUnavailable
from coprod_kg.publishing.portal_check import CheckedPortal, check_portal
from coprod_kg.settings import Settings

__all__ = ["check_portal_command"]

_SHOWN = 20


@click.command("check-portal", epilog="Example: coprod-kg check-portal https://data.example.org")
@setting_options("query_seconds")
@click.argument("url", metavar="[URL]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_portal_command(settings: Settings, *, url: str | None, as_json: bool) -> None:
    """Harvest a service as a portal would, follow every link, compare every number.

    Without a URL the service of the settings is asked. Exit code 1 says that there is a defect.
    """
    root = f"{(url or settings.root).rstrip('/')}/"
    fetch = fetcher(settings.query_seconds)
    if not fetch("GET", f"{root}healthz", "*/*").status:
        raise StoreUnavailable(f"no service answers at {root}", fix="Start it: coprod-kg serve.")
    portal = check_portal(root, fetch)
    if as_json:
        click.echo(json.dumps(asdict(portal), indent=2, ensure_ascii=False))
    else:
        _print_report(portal)
    if portal.defects:
        raise click.exceptions.Exit(1)


def _print_report(portal: CheckedPortal) -> None:
    for record in portal.records[:_SHOWN]:
        click.echo(record.title)
        click.echo(f"  {record.iri}")
        facts = [record.publisher or "no publisher", ", ".join(record.formats) or "no file"]
        click.echo("  " + "; ".join([*facts, f"changed {record.modified}"]))
    if len(portal.records) > _SHOWN:
        click.echo(f"… and {len(portal.records) - _SHOWN} more datasets")
    for defect in portal.defects:
        click.echo(f"{defect.where}: {defect.what}" + (f". {defect.fix}" if defect.fix else ""))
    click.echo(
        f"{_plural(len(portal.records), 'dataset')} on {_plural(portal.pages, 'page')}, "
        f"{_plural(portal.links, 'link')} followed, {_plural(portal.files, 'file')} and "
        f"{_plural(portal.counts, 'number')} compared: "
        f"{_plural(len(portal.defects), 'defect') if portal.defects else 'no defects'}."
    )


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
