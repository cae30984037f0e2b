"""A folder's members are its files; asking for one that is not there names those that are."""

from __future__ import annotations

import pytest

from cutwork import registry
from cutwork.errors import BadInput


def test_names_are_files_and_folders_without_the_private_ones() -> None:
    names = registry.names("cutwork.tools.families")
    assert {"flux", "mini"} <= set(names)
    assert not {"base", "_tiny", "__init__"} & set(names)


def test_an_unknown_member_is_bad_input_that_lists_the_known() -> None:
    with pytest.raises(BadInput, match="families has no 'dalle'; it has flux, mini"):
        registry.find("cutwork.tools.families", "dalle")
