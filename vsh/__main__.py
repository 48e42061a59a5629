"""`python -m vsh`."""

import sys

from .entry import main

if __name__ == "__main__":
    sys.argv[0] = "vsh"
    sys.exit(main())
