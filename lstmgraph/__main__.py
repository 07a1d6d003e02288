"""`python -m lstmgraph` is the command `lstmgraph`."""

import sys

from lstmgraph.cli import main

if __name__ == "__main__":
    sys.exit(main())
