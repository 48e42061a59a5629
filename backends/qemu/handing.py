"""Handing open files to QEMU, which runs as a user who may not open them itself.

Here the descriptor travels over the monitor's socket. Over SSH a small program over there opens the file and does the
same: python3 or perl, since no shell can send a descriptor.
"""

import os

from .. import errors
from .base import fail
from .qmp import Monitor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..hosts import Host

#: What QEMU calls the file.
FILE = "vsh-file"
#: Seconds that the program over there may take.
PATIENCE = 60.0
#: Both get the monitor's path, the file's, "new" or a number of bytes to begin after, and QEMU's name for it; they say
#: QEMU's answer. "new" is created anew, of 0600; a number that ends in "+" is written from there, else read.
PYTHON = """
import json, os, socket, sys
place, path, how, name = sys.argv[1:]
if how == "new":
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
else:
    file = os.open(path, os.O_WRONLY if how[-1] == "+" else os.O_RDONLY)
    os.lseek(file, int(how.rstrip("+")), os.SEEK_SET)
stream = socket.socket(socket.AF_UNIX)
stream.settimeout(30)
stream.connect(place)
lines = stream.makefile("rb")
def answer():
    while True:
        line = lines.readline()
        if not line or b'"return"' in line or b'"error"' in line:
            return line
lines.readline()
stream.sendall(b'{"execute": "qmp_capabilities"}')
answer()
socket.send_fds(stream, [b" "], [file])
stream.sendall(json.dumps({"execute": "getfd", "arguments": {"fdname": name}}).encode())
sys.stdout.buffer.write(answer())
"""
#: perl has no call for it: sendmsg(2) by its number, with struct msghdr and cmsghdr of Linux on 64 bits.
PERL = r"""
use Socket; use Fcntl;
my ($place, $path, $how, $name) = @ARGV;
my $flags = $how eq "new" ? O_WRONLY | O_CREAT | O_TRUNC : $how =~ /\+$/ ? O_WRONLY : O_RDONLY;
sysopen(my $file, $path, $flags, 0600) or die "$path: $!\n";
sysseek($file, int($how =~ s/\D//gr || 0), 0);
socket(my $stream, AF_UNIX, SOCK_STREAM, 0);
connect($stream, pack_sockaddr_un($place)) or die "$place: $!\n";
select((select($stream), $| = 1)[0]);
alarm 30;
sub answer { while (my $line = <$stream>) { return $line if $line =~ /"(return|error)"/ } return "" }
scalar <$stream>;
print $stream '{"execute": "qmp_capabilities"}';
answer();
my %number = ("x86_64" => 46, "aarch64" => 211);
my $machine = `uname -m`; chomp $machine;
my $call = $number{$machine} or die "python3 is needed on $machine\n";
my $byte = " ";
my $vector = pack("PQ", $byte, 1);
my $rights = pack("Qlllx4", 20, SOL_SOCKET, 1, fileno($file));
my $message = pack("Qlx4PQPQlx4", 0, 0, $vector, 1, $rights, length($rights), 0);
syscall($call, fileno($stream), $message, 0) == 1 or die "sendmsg: $!\n";
print $stream "{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"$name\"}}";
print answer();
"""


def hand(host: "Host", monitor: str, path: str, *, new: bool = False, offset: int = 0, writing: bool = False) -> None:
    """Let the QEMU at the socket `monitor` have a file as FILE: a `new` one, else from `offset` on.

    Nobody may have the monitor meanwhile. Raises VirtError, OSError.
    """
    try:
        descriptor = host.open_file(path, new, writing)
    except OSError as error:
        if error.errno != 95:
            raise
        _hand_over_there(host, monitor, path, "new" if new else f"{offset}{'+' if writing else ''}")
        return
    try:
        os.lseek(descriptor, offset, os.SEEK_SET)
        with Monitor(host, monitor) as there:
            there.give_file(FILE, descriptor)
    finally:
        os.close(descriptor)


def _hand_over_there(host: "Host", monitor: str, path: str, how: str) -> None:
    for program in (["python3", "-c", PYTHON], ["perl", "-e", PERL]):
        try:
            done = host.run([*program, monitor, path, how, FILE], timeout=PATIENCE)
        except FileNotFoundError:
            continue
        if done.status or b'"return"' not in done.stdout:
            said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise fail(errors.OPERATION_FAILED, f"cannot hand '{path}' to QEMU: {said}")
        return
    raise fail(
        errors.OPERATION_UNSUPPORTED,
        "handing a file to QEMU over SSH needs python3 or perl on its host",
    )
