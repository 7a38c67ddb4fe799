"""Completion scripts of bash and zsh that handle ``key=value``."""

from typing import Any, Final

from click.shell_completion import (
    BashComplete,
    CompletionItem,
    ZshComplete,
    add_completion_class,
)

__all__ = ["Bash", "Zsh", "register"]

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


class Bash(BashComplete):
    """Bash, which splits ``stage=project`` into three words and completes the last of them."""

    source_template = BashComplete.source_template + _BASH
    _before = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words, with ``key=value`` joined again."""
        args, last = super().get_completion_args()
        words: list[str] = []
        parted = False
        for word in (*args, last):
            breaks = bool(word) and set(word) <= _BREAKS
            if words and word and (breaks or parted):
                words[-1] += word
            else:
                words.append(word)
            parted = breaks
        whole = words[-1]
        self._before = whole if set(last) <= _BREAKS else whole.removesuffix(last)
        return words[:-1], whole

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """One line; of a value only what bash will put in the place of its last word."""
        return f"{item.type},{str(item.value).removeprefix(self._before)}"


class Zsh(ZshComplete):
    """Zsh, without a space after the ``=`` of a parameter's name."""

    source_template = _ZSH

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Three lines: how, what, and what it means."""
        told = " ".join(item.help.split()) if item.help else "_"
        return f"{item.type}\n{item.value}\n{told}"


def register() -> None:
    """Let click complete for these shells in this way; fish needs none of its own."""
    add_completion_class(Bash)
    add_completion_class(Zsh)
