# SPDX-License-Identifier: Apache-2.0
"""python -m relevance: the same command line as the program 'relevance', with its exit status."""
from __future__ import annotations

import os
import sys

from ._command import environment, program


def main() -> None:
    try:
        path = program()
    except FileNotFoundError as e:
        print("relevance: %s" % e, file=sys.stderr)
        sys.exit(2)
    os.execve(path, ["relevance"] + sys.argv[1:], environment())


if __name__ == "__main__":
    main()
