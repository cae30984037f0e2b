"""The command `cutwork`, and `python -m cutwork`: signals have an answer before anything slow is imported, and until the very end."""

from __future__ import annotations

from cutwork.signals import leave, listen


def main() -> None:
    """Run a command."""
    listen(leave)
    from cutwork.cli import main as run

    run()


if __name__ == "__main__":
    main()
