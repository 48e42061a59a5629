"""Completion scripts for bash, zsh and fish, written from the declarations.

Names of commands and options stand in the scripts, so that they cost nothing; for values the scripts ask `vsh complete
--values`, with the connection options of the line being typed.
"""

from .commands.declare import Alias, Command
from .commands.index import COMMANDS, find
from .options import FORMATS
from .usage import GLOBAL

#: Options before the command that take a value of their own.
VALUED = [word for short, long, value, _ in GLOBAL if value and value[0] != "[" for word in (short, long) if word]


def script(shell: str) -> str:
    """The script for `bash`, `zsh` or `fish`."""
    return {"bash": bash, "zsh": zsh, "fish": fish}[shell]()


def commands() -> list[Command]:
    """All commands that are not hidden."""
    return [command for name in COMMANDS if (command := find(name)) and not command.hidden]


def options(command: Command) -> dict[str, str]:
    """The options of a command: `--name` -> what it means."""
    return {f"--{option.name}": option.help for option in command.options if not isinstance(option, Alias)}


def _global() -> dict[str, str]:
    return {word: help for short, long, _, help in GLOBAL for word in (short, long) if word}


def bash() -> str:
    """For bash 4 and newer; needs nothing of the package bash-completion."""
    cases = "".join(f"        {c.name}) echo '{' '.join(options(c))}' ;;\n" for c in commands() if c.options)
    return (
        BASH.replace("@COMMANDS@", " ".join(c.name for c in commands()))
        .replace("@OPTIONS@", cases)
        .replace("@GLOBAL@", " ".join(_global()))
        .replace("@VALUED@", "|".join(VALUED))
        .replace("@FORMATS@", " ".join(FORMATS))
    )


def zsh() -> str:
    """For zsh's completion system; belongs into a folder of $fpath, as _vsh."""
    names = "".join(f"        {_quoted(f'{c.name}:{c.summary}')}\n" for c in commands())
    cases = ""
    for command in commands():
        lines = "".join(f" {_quoted(_zsh(name, help))}" for name, help in options(command).items())
        cases += f"        {command.name}) options=({lines.strip()}) ;;\n" if lines else ""
    return (
        ZSH.replace("@COMMANDS@", names)
        .replace("@OPTIONS@", cases)
        .replace("@GLOBAL@", " ".join(_quoted(_zsh(name, help)) for name, help in _global().items()))
        .replace("@VALUED@", "|".join(VALUED))
        .replace("@FORMATS@", " ".join(FORMATS))
    )


def _zsh(name: str, help: str) -> str:
    return f"{name}:{help}" if help else name


def fish() -> str:
    """For fish 3 and newer."""
    lines = []
    for short, long, value, help in GLOBAL:
        words = [f"-s {short[1:]}"] if short else []
        words += [f"-l {long[2:]}"] if long else []
        words += [f"-xa {_quoted(' '.join(FORMATS))}"] if long == "--format" else ["-r"] if value[:1] > "[" else []
        words += ["-x"] if value and value[0] != "[" and long not in ("--format", "--log") else []
        lines.append(f"complete -c vsh -n '__vsh_is' {' '.join(words)} -d {_quoted(help)}\n")
    for command in commands():
        lines.append(f"complete -c vsh -fn '__vsh_is' -a {command.name} -d {_quoted(command.summary)}\n")
        for name, help in options(command).items():
            lines.append(f"complete -c vsh -n '__vsh_is {command.name}' -l {name[2:]} -d {_quoted(help)}\n")
    return FISH.replace("@VALUED@", " ".join(VALUED)) + "".join(lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


BASH = r"""# bash completion for vsh. Generated from the commands' declarations: do not edit.

_vsh_options() {
    case $1 in
@OPTIONS@    esac
}

_vsh() {
    local line=${COMP_LINE:0:COMP_POINT} cur= command= i skip=
    local -a words=() connect=()
    # bash breaks words at = and : as well; here only blanks do, and a backslash keeps one.
    local rest=${line//\\ /$'\x1f'}
    read -ra words <<<"$rest"
    [[ $rest == *[[:blank:]] || ${#words[@]} -eq 0 ]] && words+=('')
    words=("${words[@]//$'\x1f'/\\ }")
    cur=${words[-1]}
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        case ${words[i]} in
            @VALUED@)
                skip=${words[i]}
                [[ $skip == -c || $skip == --connect ]] && connect+=(-c "${words[i + 1]//[\'\"]/}")
                ((i++)) ;;
            -r|--readonly) connect+=(-r) skip= ;;
            --connect=*) connect+=("${words[i]//[\'\"]/}") skip= ;;
            -*) skip= ;;
            *) command=${words[i]}; break ;;
        esac
    done
    local -a found=()
    if [[ -z $command ]]; then
        if ((i == ${#words[@]})); then
            [[ $skip == --format ]] && mapfile -t found < <(compgen -W '@FORMATS@' -- "$cur")
        elif [[ $cur == -* ]]; then
            mapfile -t found < <(compgen -W '@GLOBAL@' -- "$cur")
        else
            mapfile -t found < <(compgen -W '@COMMANDS@' -- "$cur")
        fi
    elif [[ $cur == --* && $cur != *=* ]]; then
        mapfile -t found < <(compgen -W "$(_vsh_options "$command")" -- "$cur")
    else
        mapfile -t found < <("$1" -q "${connect[@]}" complete --values -- "${words[@]:i}" 2>/dev/null </dev/null)
    fi
    # Readline replaces only what follows the last = or :.
    local kept=${cur%"${cur##*[=:]}"}
    [[ -n $kept && $COMP_WORDBREAKS == *[=:]* ]] && found=("${found[@]#"$kept"}")
    COMPREPLY=("${found[@]}")
    [[ ${#found[@]} -eq 1 && ${found[0]} == */ ]] && compopt -o nospace
    return 0
}

complete -o default -F _vsh vsh
"""

ZSH = r"""#compdef vsh
# zsh completion for vsh. Generated from the commands' declarations: do not edit.

_vsh() {
    local -a commands options connect found
    local i word command=
    commands=(
@COMMANDS@    )
    for ((i = 2; i < CURRENT; i++)); do
        word=${words[i]}
        case $word in
            @VALUED@)
                [[ $word == (-c|--connect) ]] && connect+=(-c "${(Q)words[i + 1]}")
                ((i++)) ;;
            -r|--readonly) connect+=(-r) ;;
            --connect=*) connect+=("${(Q)word}") ;;
            -*) ;;
            *) command=$word; break ;;
        esac
    done
    if [[ -z $command ]]; then
        if ((i > CURRENT)); then
            case ${words[CURRENT - 1]} in
                --format) compadd -- @FORMATS@ ;;
                -l|--log) _files ;;
            esac
        elif [[ ${words[CURRENT]} == -* ]]; then
            options=(@GLOBAL@)
            _describe -o 'option' options
        else
            _describe 'command' commands
        fi
        return
    fi
    case $command in
@OPTIONS@    esac
    if [[ ${words[CURRENT]} == --* && ${words[CURRENT]} != *=* ]]; then
        _describe -o 'option' options
        return
    fi
    found=("${(@f)$(_call_program values ${(q)words[1]} -q ${(q)connect[@]} complete --values -- \
        ${(q)words[i,CURRENT]} 2>/dev/null </dev/null)}")
    found=("${(@Q)found}")
    [[ -n $found ]] && compadd -- ${found:#--*}
    [[ -z ${words[CURRENT]} && -n $options ]] && _describe -o 'option' options
    [[ -z $found ]] && _files
}

_vsh "$@"
"""

FISH = r"""# fish completion for vsh. Generated from the commands' declarations: do not edit.

function __vsh_words
    # The words after the options before the command; these, as far as they choose a connection, in __vsh_connect.
    set -g __vsh_connect
    set -l words (commandline -opc)[2..-1]
    while set -q words[1]
        switch $words[1]
            case -c --connect
                set -a __vsh_connect $words[1..2]
                set -e words[1]
            case '--connect=*' -r --readonly
                set -a __vsh_connect $words[1]
            case @VALUED@
                set -e words[1]
            case '-*'
            case '*'
                break
        end
        set -e words[1]
    end
    printf '%s\n' $words
end

function __vsh_is
    # Whether the command is the one given, or without one whether none has been typed.
    set -l words (__vsh_words)
    test "$words[1]" = "$argv[1]"
end

function __vsh_values
    set -l words (__vsh_words)
    set -l current (commandline -ct)
    vsh -q $__vsh_connect complete --values -- $words "$current" 2>/dev/null </dev/null | string match -v -- '--*' |
        string unescape
end

complete -c vsh -n 'not __vsh_is' -a '(__vsh_values)'
"""
