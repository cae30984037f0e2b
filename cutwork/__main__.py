"""The command `cutwork`, and `python -m cutwork`: signals have an answer before anything slow is imported, and until the very end."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from cutwork.signals import INTERRUPTED, leave, listen


def main() -> None:
    """Run a command. One that was interrupted ends at once: the interpreter would wait for threads, and those perhaps for a server."""
    listen(leave)
    from cutwork.cli import main as run

    try:
        run()
    except SystemExit as end:
        if end.code != INTERRUPTED:
            raise
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
