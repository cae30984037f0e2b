"""Members of a folder, found by file name and imported only when asked for.

Adding a model family or an output format is adding one file: there is no list to keep. Listing imports nothing.
"""

from __future__ import annotations

import importlib
from importlib import resources
from types import ModuleType

from cutwork.errors import BadInput

NOT_MEMBERS = {"base"}


def names(package: str) -> tuple[str, ...]:
    """File and folder names of a package's public members, sorted: `names("cutwork.tools.families")`."""
    found = set()
    for entry in resources.files(package).iterdir():
        stem = entry.name.removesuffix(".py")
        is_member = entry.name.endswith(".py") or (entry.is_dir() and entry.joinpath("__init__.py").is_file())
        if is_member and not stem.startswith("_") and stem not in NOT_MEMBERS:
            found.add(stem)
    return tuple(sorted(found))


def find(package: str, name: str) -> ModuleType:
    """Import one member.

    Raises:
        BadInput: if there is none of that name; the message lists those there are.
    """
    known = names(package)
    if name not in known:
        raise BadInput(f"{package.rsplit('.', 1)[-1]} has no {name!r}; it has {', '.join(known) or 'nothing'}")
    return importlib.import_module(f"{package}.{name}")
