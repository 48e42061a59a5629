"""`python -m vsh`."""

import sys

from .entry import run

if __name__ == "__main__":
    sys.argv[0] = "vsh"
    run()
