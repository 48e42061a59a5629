"""The scripts that `ssh` runs over there: POSIX shell, whose arguments are $1 ... and whose messages are English."""

_ENGLISH = "LC_ALL=C; export LC_ALL; "
#: stat(1)'s format: nanoseconds where it knows them (GNU), seconds elsewhere.
_FORMAT = (
    "f='%f %s %.9Y %i %u %g %n'; "
    "case $(stat -c %.9Y / 2>/dev/null) in *[0-9].[0-9]*) ;; *) f='%f %s %Y %i %u %g %n';; esac; "
)
#: Sets `found` to 1 when the process $1 (pid/start/boot id) still runs, else to 0. A dead one that nobody reaped does
#: not; its name, in parentheses, may hold anything.
_FIND = (
    "find() { found=0; pid=${1%%/*}; rest=${1#*/}; started=${rest%%/*}; "
    '[ "${rest#*/}" = "$boot" ] || return 0; '
    '{ read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return 0; '
    "set -- ${stat##*) }; "
    # While other threads of a dead one are still ending, its files and their locks are still its own.
    '{ [ "$1" != Z ] || [ "${18}" -gt 1 ]; } && [ "$1" != X ] && [ "${20}" = "$started" ] && found=1; return 0; }; '
    "read -r boot </proc/sys/kernel/random/boot_id; "
)
#: Sees to it that a file is on the disk; an old sync(1) knows only all files.
_SYNC = 'put() { sync "$1" 2>/dev/null || sync; }; '
#: Renames a file; mv would put it into a folder of that name.
_MOVE = 'move() { [ ! -d "$2" ] || { echo "$2: Is a directory" >&2; return 1; }; mv -f -- "$1" "$2"; }; '
#: Opens the lock file $1 as descriptor 9; `same` says whether it still has its name.
_OPEN = (
    'umask 077; same() { [ "$(stat -L -c %d:%i /proc/self/fd/9)" = "$(stat -L -c %d:%i "$1" 2>/dev/null)" ]; }; '
)

SCRIPTS = {
    "run": 'command -v "$1" >/dev/null 2>&1 || { echo "vsh: no such program" >&2; exit 127; }; exec "$@"',
    # The shell itself becomes the program, so that its number and start time are known before anything has begun.
    "spawn": _ENGLISH
    + 'umask 077; cd /; log=$1; count=$2; shift 2; : >>"$log" || exit 1; '
    "read -r boot </proc/sys/kernel/random/boot_id; read -r stat </proc/$$/stat; "
    'started=$(set -- ${stat##*) }; echo "${20}"); echo "$$/$started/$boot"; '
    'read -r go && [ "$go" = go ] || exit 1; echo gone; '
    'exec env -i "$@" </dev/null >>"$log" 2>&1',
    "alive": _FIND + 'for process; do find "$process"; echo $found; done',
    "signal": _FIND + 'find "$1"; [ $found = 1 ] && kill "-$2" "$pid" 2>/dev/null && echo 1 || echo 0',
    "pin": _ENGLISH + 'exec taskset -p -c "$1" "$2" >/dev/null',
    "read": _ENGLISH
    + 'exec <"$1" || exit 1; if [ "$3" = 1 ]; then exec head -c "$2"; else tail -c "+$3" | head -c "$2"; fi',
    "read_all": _ENGLISH
    + 'cd "$1" 2>/dev/null || exit 0; set -- *"$2"; [ -e "$1" ] || exit 0; exec tar -cf - -- "$@" 2>/dev/null',
    "write": _ENGLISH
    + _SYNC
    + _MOVE
    + 'umask 077; new=${1%/*}/.tmp-ssh-$$; trap \'rm -f "$new"\' EXIT; cat >"$new" && chmod "$2" "$new" || exit 1; '
    '[ "$(wc -c <"$new")" -eq "$3" ] || exit 74; '
    'if [ "$4" ]; then put "$new"; fi; move "$new" "$1" || exit 1; if [ "$4" ]; then put "${1%/*}"; fi',
    "append": _ENGLISH
    + 'umask "$2"; : >>"$1" || exit 1; '
    '[ "$3" = 0 ] || dd bs="$3" count=1 iflag=fullblock 2>/dev/null >>"$1" || exit 1; wc -c <"$1"',
    "write_at": _ENGLISH
    + _SYNC
    + '[ -e "$1" ] || { echo "$1: No such file" >&2; exit 1; }; '
    'dd of="$1" bs=64k seek="$2" oflag=seek_bytes iflag=fullblock conv=notrunc || exit 1; [ -z "$3" ] || put "$1"',
    "listdir": _ENGLISH
    + _FORMAT
    + 'cd "$1" 2>/dev/null || exit 0; for name in * .[!.]*; do [ -e "$name" ] && set -- "$@" "./$name"; done; shift; '
    '[ $# = 0 ] && exit 0; stat -L -c "$f" -- "$@" 2>/dev/null | sed "s|\\./||"; exit 0',
    "stat": _ENGLISH + _FORMAT + '[ -e "$1" ] || exit 0; exec stat -L -c "$f" -- "$1"',
    # Two lines for each path: what it is, its first bytes in base64; an empty one where there is nothing.
    "examine": _ENGLISH
    + 'head=$1; shift; times="%.9X %.9Y %.9Z"; '
    'case $(stat -c %.9Y / 2>/dev/null) in *[0-9].[0-9]*) ;; *) times="%X %Y %Z";; esac; '
    'for path; do size=%s; [ ! -b "$path" ] || size=$(blockdev --getsize64 "$path" 2>/dev/null || echo 0); '
    'stat -L -c "%f $size %b %B $times %u %g" -- "$path" 2>/dev/null || { echo; continue; }; '
    'if { [ -f "$path" ] || [ -b "$path" ]; } && [ -r "$path" ]; then '
    'head -c "$head" -- "$path" | base64 | tr -d "\\n"; fi; echo; done',
    "space": _ENGLISH + 'exec stat -f -c "%S %b %f" -- "$1"',
    "make_folders": _ENGLISH + 'umask "$1"; shift; for path; do [ -d "$path" ] || mkdir -p -- "$path" || exit 1; done',
    "remove": _ENGLISH + 'exec rm -rf -- "$@"',
    "rename": _ENGLISH + _SYNC + _MOVE + 'move "$1" "$2" || exit 1; put "${2%/*}"',
    "give": _ENGLISH + 'exec chown -- "$2" "$1"',
    "link": _ENGLISH + '[ -L "$2" ] || [ -e "$2" ] || exec ln -s -- "$1" "$2"',
    "me": "printf '%s\\0' \"$(id -u)\"; "
    "for name in HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR; do "
    "value=$(printenv $name) && printf '%s=%s\\0' $name \"$value\"; done; exit 0",
    # An account: the line of database $1 (passwd or group) whose name or number is $2.
    "account": 'getent "$1" "$2" 2>/dev/null && exit 0; while IFS= read -r line; do rest=${line#*:*:}; '
    '[ "${line%%:*}" = "$2" ] || [ "${rest%%:*}" = "$2" ] || continue; printf "%s\\n" "$line"; exit 0; '
    'done <"/etc/$1"; exit 0',
    # A terminal: opened where it does not become the session's own, and joined to our input and output.
    "device": _ENGLISH
    + "exec 4<&0 </dev/null; ( exec 3<>\"$1\" || exit 1; printf 1; cat <&3 4<&- & reader=$!; "
    "{ cat <&4 >&3; kill $reader; } >/dev/null 2>&1 & wait $reader ) & wait $!",
    "lock": _ENGLISH
    + _OPEN
    + "left=$2; while :; do exec 9>>\"$1\" || exit 1; "
    "if flock -n 9; then if same \"$1\"; then break; fi; "
    "else [ \"$left\" -gt 0 ] || exit 75; left=$((left - 1)); sleep 0.05; fi; done; echo 1; exec cat >/dev/null",
    # The lock is fcntl's, which no program of the shell can take, but python3 or perl; without them /proc/locks tells
    # whether somebody has it now.
    "share": _ENGLISH
    + 'umask 077; : >>"$1" 2>/dev/null || [ -r "$1" ] || { : >>"$1"; exit 1; }; '
    'if command -v python3 >/dev/null; then exec python3 -c "\n'
    "import fcntl, os, sys\n"
    "descriptor = os.open(sys.argv[1], os.O_RDONLY)\n"
    "try:\n"
    "    fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, 1)\n"
    "except OSError:\n"
    "    sys.exit(75)\n"
    "os.write(1, b'1')\n"
    'sys.stdin.buffer.read()" "$1"; fi; '
    # struct flock of Linux on 64 bits: F_RDLCK, SEEK_SET, the first byte; 6 is F_SETLK.
    "if command -v perl >/dev/null; then exec perl -e '"
    'open(F, "<", $ARGV[0]) or exit 1; $l = pack("ssx4qqix4", 0, 0, 0, 1, 0); fcntl(F, 6, $l) or exit 75; '
    '$| = 1; print 1; 1 while read(STDIN, $_, 4096)\' "$1"; fi; '
    'set -- $(stat -L -c "%D %i" "$1"); '
    'grep -q " POSIX .* WRITE .* $(printf %02x:%02x $((0x$1 >> 8)) $((0x$1 & 255))):$2 " /proc/locks && exit 75; '
    "echo 1; exec cat >/dev/null",
}
