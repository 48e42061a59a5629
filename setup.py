"""The packages of a build: the folders commands/ and backends/ become vsh.commands and vsh.backends.

In a checkout the symlinks below vsh/ say the same; builds must not need them, for archives may have lost them.
"""

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

setup(
    data_files=list(SHARED.items()),
    package_dir=FOLDERS,
    packages=[
        name
        for root, folder in FOLDERS.items()
        for name in [root, *(f"{root}.{inner}" for inner in find_packages(folder))]
        if root != "vsh" or not name.startswith(("vsh.commands", "vsh.backends"))
    ],
)
