"""``coprod-kg template``: the template written to a workbook or a folder of CSV files."""

from pathlib import Path

import click

from coprod_kg.errors import WrongUsage
from coprod_kg.model.advice import LANGUAGES
from coprod_kg.workbook.sheets import sheets
from coprod_kg.workbook.template import as_files, as_workbook

__all__ = ["template"]


@click.command(epilog="Example: coprod-kg template -o my-organisation.xlsx --lang da")
@click.option(
    "-o",
    "--output",
    metavar="FILE.xlsx|DIR",
    type=click.Path(path_type=Path),
    default=Path("coprod-template.xlsx"),
    show_default=True,
    help="Where to write: a workbook, or a folder of CSV files where the name has no ending.",
)
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="Language of the words in the drop-down lists.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def template(*, output: Path, lang: str, force: bool) -> None:
    """Write the workbook (or CSV files) in which people describe their co-production.

    Its sheets, columns and lists are made from the shapes and schemes of this installation. Fill
    it in, then check it with coprod-kg validate.

    Exit codes: 0 done, 2 wrong usage.
    """
    if output.suffix and output.suffix.lower() != ".xlsx":
        raise WrongUsage(
            f"a template is written as .xlsx or as a folder, not as {output.suffix}",
            fix="Write -o FILE.xlsx, or -o FOLDER.",
        )
    if output.suffix:
        description = _write({output: as_workbook(sheets(), lang)}, force=force)
    else:
        files = as_files(sheets(), lang)
        description = _write(
            {output / name: content for name, content in files.items()}, force=force
        )
    click.echo(f"{description} written to {output}")


def _write(files: dict[Path, bytes], *, force: bool) -> str:
    existing = [file for file in files if file.exists()]
    if existing and not force:
        raise WrongUsage(f"{existing[0]} is there already", fix="Name another, or add --force.")
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise WrongUsage(f"it cannot be written: {error.strerror}", where=str(path)) from None
    return "One workbook" if len(files) == 1 else f"{len(files)} files"
