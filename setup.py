"""The packages of a build: the folders commands/ and backends/ become vsh.commands and vsh.backends.

In a checkout the symlinks below vsh/ say the same; builds must not need them, for archives may have lost them.
"""

from setuptools import find_packages, setup

FOLDERS = {"vsh": "vsh", "vsh.commands": "commands", "vsh.backends": "backends"}

setup(
    package_dir=FOLDERS,
    packages=[
        name
        for root, folder in FOLDERS.items()
        for name in [root, *(f"{root}.{inner}" for inner in find_packages(folder))]
        if root != "vsh" or not name.startswith(("vsh.commands", "vsh.backends"))
    ],
)
