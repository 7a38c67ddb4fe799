"""``coprod-kg token``: who may write to the service."""

import json

import click

from coprod_kg.access import Role, Tokens
from coprod_kg.cli.context import setting_options
from coprod_kg.settings import Settings
from coprod_kg.store.directory import DataDirectory

__all__ = ["token"]


@click.group(epilog="Example: coprod-kg token create bologna-2026 --organisation comune-di-bologna")
def token() -> None:
    """Make, list and take back the tokens of contributors and curators."""


@token.command(
    epilog="Example: coprod-kg token create bologna-2026 --organisation comune-di-bologna"
)
@setting_options("data")
@click.argument("name")
@click.option("--organisation", help="Make a contributor's token, for this organisation's data.")
@click.option("--curator", is_flag=True, help="Make a curator's token.")
def create(settings: Settings, name: str, organisation: str | None, *, curator: bool) -> None:
    """Make a token and print it, once."""
    role = Role.CURATOR if curator else Role.CONTRIBUTOR
    click.echo(Tokens(settings.data).create(name, role, organisation))
    click.echo("Keep it now: it is not stored and cannot be shown again.", err=True)


@token.command(name="list", epilog="Example: coprod-kg token list --json")
@setting_options("data")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(settings: Settings, *, as_json: bool) -> None:
    """List the tokens by name; their secrets are not kept."""
    _check_there(settings)
    grants = Tokens(settings.data).list()
    if as_json:
        names = ("name", "role", "organisation", "created", "revoked")
        click.echo(
            json.dumps([{name: getattr(g, name) for name in names} for g in grants], indent=2)
        )
        return
    for grant in grants:
        revoked = f"revoked {grant.revoked}" if grant.revoked else ""
        organisation = grant.organisation or ""
        click.echo(
            f"{grant.name:24} {grant.role:12} {organisation:32} {grant.created} {revoked}".rstrip()
        )


@token.command(epilog="Example: coprod-kg token revoke bologna-2026")
@setting_options("data")
@click.argument("name")
def revoke(settings: Settings, name: str) -> None:
    """Take a token back; it is refused from now on."""
    _check_there(settings)
    Tokens(settings.data).revoke(name)
    click.echo(f"{name} is revoked.")


def _check_there(settings: Settings) -> None:
    """A token may be made before the store is; where there is neither, the name may be wrong."""
    if not (settings.data / "tokens.json").exists():
        DataDirectory(settings.data).check_there()
