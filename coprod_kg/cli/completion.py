"""Shell completion of saved queries, parameters and values, from files alone, and its scripts."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import BashComplete, CompletionItem, ZshComplete, add_completion_class

from coprod_kg.errors import CoprodError
from coprod_kg.model.files import files
from coprod_kg.model.schemes import schemes
from coprod_kg.queries.header import Header, read_header
from coprod_kg.queries.library import SavedQuery, read
from coprod_kg.queries.parameters import Parameter
from coprod_kg.settings import Settings

__all__ = [
    "complete_name",
    "complete_parameter",
    "complete_tag",
    "register",
]


_BREAKS: Final = frozenset("=:")
"""Where bash parts words, if it is left as it comes."""

_BASH: Final = """
%(complete_func)s_joined() {
    %(complete_func)s "$@"
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}

complete -o nosort -F %(complete_func)s_joined %(prog_name)s
"""

_ZSH: Final = """#compdef %(prog_name)s

%(complete_func)s() {
    local kind value told
    local -a values lines ending
    for kind value told in "${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) \
%(complete_var)s=zsh_complete %(prog_name)s)}"; do
        case $kind in
            plain)
                values+=("$value")
                [[ $told == _ ]] && lines+=("$value") || lines+=("$value  -- $told") ;;
            dir) _path_files -/ ;;
            file) _path_files -f ;;
        esac
    done
    (( $#values )) || return 0
    [[ $values[1] == *= ]] && ending=(-S '')
    compadd -U -l -V offered "${(@)ending}" -d lines -a values
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""


def complete_name(
    context: click.Context, _argument: click.Parameter, prefix: str
) -> list[CompletionItem[str]]:
    """The saved queries whose names begin with a prefix, each with its question."""
    paths_by_name = {path.stem: path for path in _paths(context) if path.stem.startswith(prefix)}
    return [
        CompletionItem(name, help=_header(path).summary or None)
        for name, path in sorted(paths_by_name.items())
    ]


def complete_parameter(
    context: click.Context, _option: click.Parameter, prefix: str
) -> list[CompletionItem[str]]:
    """What can follow ``-p``: the names of the parameters, then what one of them permits."""
    query = _query_named(context)
    if query is None:
        return []
    name, equals, value = prefix.partition("=")
    if not equals:
        names_given = {pair.partition("=")[0] for pair in context.params.get("params") or ()}
        return list(_names(query.parameters, name, names_given))
    return [
        item
        for parameter in query.parameters
        if parameter.name == name
        for item in _values(parameter, value)
    ]


def complete_tag(
    context: click.Context, _option: click.Parameter, prefix: str
) -> list[CompletionItem[str]]:
    """The tags of the saved queries that begin with a prefix."""
    tags = {tag for path in _paths(context) for tag in _header(path).tags}
    return [CompletionItem(tag) for tag in sorted(tags) if tag.startswith(prefix)]


def _names(
    parameters: Iterable[Parameter], prefix: str, names_given: set[str]
) -> Iterator[CompletionItem[str]]:
    for parameter in parameters:
        complete = parameter.single and parameter.name in names_given
        if parameter.name.startswith(prefix) and not complete:
            yield CompletionItem(f"{parameter.name}=", help=parameter.description)


def _values(parameter: Parameter, prefix: str) -> Iterator[CompletionItem[str]]:
    vocabulary = schemes()
    scheme = vocabulary.get(parameter.scope) if parameter.type == "concept" else None
    for value in parameter.permitted(vocabulary):
        if value.startswith(prefix):
            concept = scheme.concepts.get(value) if scheme else None
            label = concept.label() if concept else None
            yield CompletionItem(f"{parameter.name}={value}", help=label)


def _query_named(context: click.Context) -> SavedQuery | None:
    """The saved query that the line names; None where it names none that can be read."""
    # An option that lacks its value ends the parsing before arguments get their names.
    name = context.params.get("name") or next(iter(context.args), None)
    matching = [path for path in _paths(context) if path.stem == name]
    try:
        return read(matching[-1], schemes()) if matching else None
    except (CoprodError, OSError):
        return None


def _paths(context: click.Context) -> list[Path]:
    """The files of the model's questions, then those of a person's own, which win by name."""
    try:
        own_folder = Settings.load({"queries": context.params.get("setting_queries")}).queries
    except CoprodError:  # a shell that completes a line is no place to report it
        own_folder = None
    folders = [files("queries") / "questions", *([own_folder] if own_folder else [])]
    return [path for folder in folders for path in sorted(folder.glob("*.rq"))]


def _header(path: Path) -> Header:
    """The header of a file; its mistakes are reported when the query is asked."""
    try:
        return read_header(path.read_text(encoding="utf-8"), {})
    except (OSError, UnicodeDecodeError):
        return Header()


class Bash(BashComplete):
    """Bash, which splits ``stage=project`` into three words and completes the last of them."""

    source_template = BashComplete.source_template + _BASH
    _before = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words, with ``key=value`` joined again."""
        args, last_word = super().get_completion_args()
        words: list[str] = []
        after_break = False
        for word in (*args, last_word):
            breaks = bool(word) and set(word) <= _BREAKS
            if words and word and (breaks or after_break):
                words[-1] += word
            else:
                words.append(word)
            after_break = breaks
        joined_word = words[-1]
        self._before = (
            joined_word if set(last_word) <= _BREAKS else joined_word.removesuffix(last_word)
        )
        return words[:-1], joined_word

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """One line; of a value only what bash will put in the place of its last word."""
        return f"{item.type},{str(item.value).removeprefix(self._before)}"


class Zsh(ZshComplete):
    """Zsh, without a space after the ``=`` of a parameter's name."""

    source_template = _ZSH

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Three lines: how, what, and what it means."""
        description = " ".join(item.help.split()) if item.help else "_"
        return f"{item.type}\n{item.value}\n{description}"


def register() -> None:
    """Let click complete for these shells in this way; fish needs none of its own."""
    add_completion_class(Bash)
    add_completion_class(Zsh)
