"""`python -m cutwork` is `cutwork`."""

from cutwork.cli import main

main()
