"""`python -m vsh.agent`: what a client starts."""

import sys

from .server import serve

if __name__ == "__main__":
    sys.exit(serve())
