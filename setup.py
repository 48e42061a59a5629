"""The packages of a build: the folders commands/ and backends/ become vsh.commands and vsh.backends.

In a checkout the symlinks below vsh/ say the same; builds must not need them, for archives may have lost them.
"""

import sys

from setuptools import find_packages, setup

FOLDERS = {"vsh": "vsh", "vsh.commands": "commands", "vsh.backends": "backends"}

#: Where users' shells and man(1) look, below the prefix of the installation.
SHARED = {
    "share/bash-completion/completions": ["completions/vsh"],
    "share/zsh/site-functions": ["completions/_vsh"],
    "share/fish/vendor_completions.d": ["completions/vsh.fish"],
    "share/man/man1": ["man/vsh.1"],
    "share/man/man5": ["man/vsh-data.5"],
}

#: `pip install -e` puts the checkout onto the path as it is, with its symlinks; for FOLDERS it would hook into imports,
#: at 15 ms for each process that tests start.
EDITABLE = "editable_wheel" in sys.argv

setup(
    data_files=list(SHARED.items()),
    package_dir={"": "."} if EDITABLE else FOLDERS,
    packages=[
        name
        for root, folder in FOLDERS.items()
        for name in [root, *(f"{root}.{inner}" for inner in find_packages(folder))]
        if root != "vsh" or not name.startswith(("vsh.commands", "vsh.backends"))
    ],
)
