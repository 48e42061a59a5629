"""What a daemon and a client need for SASL with a password."""

import subprocess
from pathlib import Path

from tests.live.need import SYSTEM_PATH

USER, PASSWORD = "alice", "tell no one"


def write_sasl(folder: Path, mechanisms: str, more: str = "") -> None:
    """Write the libvirt.conf of a daemon (for SASL_CONF_PATH), with `more` lines, and the auth.conf of a client."""
    database = folder / "passwords.db"
    subprocess.run(
        ["saslpasswd2", "-p", "-c", "-a", "libvirt", "-f", str(database), USER],
        env={"PATH": SYSTEM_PATH}, input=PASSWORD, text=True, check=True, timeout=30,
    )  # fmt: skip
    database.chmod(0o644)
    (folder / "libvirt.conf").write_text(
        f"mech_list: {mechanisms}\nsasldb_path: {database}\npwcheck_method: auxprop\n{more}"
    )
    (folder / "auth.conf").write_text(
        f"[credentials-a]\nauthname={USER}\npassword={PASSWORD}\n[auth-libvirt-default]\ncredentials=a\n"
    )
