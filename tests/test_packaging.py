"""What is in the repository is what is in the wheel, and what the documents say is what there is."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

from cutwork import registry

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = ("agents", "graphs", "lab", "prompts", "storage", "tools")


def test_every_package_folder_is_listed() -> None:
    found = {"cutwork"} | {
        "cutwork." + ".".join(init.parent.relative_to(ROOT).parts) for folder in FOLDERS for init in (ROOT / folder).rglob("__init__.py") if ".cache" not in init.parts
    }
    found |= {f"cutwork.{init.parent.name}" for init in (ROOT / "cutwork").glob("*/__init__.py") if not init.parent.is_symlink()}
    assert found == set(PROJECT["tool"]["setuptools"]["packages"])


def test_links_let_readers_of_source_see_the_same_names() -> None:
    for folder in FOLDERS:
        link = ROOT / "cutwork" / folder
        assert link.is_symlink()
        assert link.resolve() == ROOT / folder


def test_readme_names_every_setting_family_format_and_exit_code() -> None:
    readme = (ROOT / "README.md").read_text()
    from cutwork.settings import Settings

    for field in Settings.model_fields:
        assert f"`{field}`" in readme, field
    for package in ("families", "formats"):
        for name in registry.names(f"cutwork.tools.{package}"):
            assert f"`{name}`" in readme, name
    for code in (0, 1, 2, 3, 4, 5, 10, 130):
        assert re.search(rf"\| {code} \|", readme), code


def test_readme_speaks_of_the_project_only() -> None:
    for path in (*ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "pyproject.toml"):
        text = path.read_text()
        assert str(ROOT) not in text, path
        assert "](../" not in text, path


def test_shipped_weights_do_not_say_where_they_were_made() -> None:
    for path in (ROOT / "tools" / "families" / "mini" / "model").rglob("*.json"):
        assert "_name_or_path" not in path.read_text("utf-8"), path


def test_what_ships_of_the_model_is_small_and_has_its_card_and_notices() -> None:
    mini = ROOT / "tools" / "families" / "mini"
    assert sum(path.stat().st_size for path in mini.rglob("*") if path.is_file() and "__pycache__" not in path.parts) < 48e6
    assert set(PROJECT["project"]["license-files"]) == {"LICENSE", "NOTICE.md"}
    notice = (ROOT / "NOTICE.md").read_text()
    for told in ("@lobehub/fluent-emoji-3d", "Copyright (c) Microsoft Corporation", "WordNet 3.0 Copyright 2006 by Princeton University", "near.txt", "emojibase-data"):
        assert told in notice, told
    card = (mini / "MODEL_CARD.md").read_text()
    for part in ("**Data.**", "**Words.**", "**Training.**", "**Limits.**", "MIT", "python -m cutwork.lab.train", "lab/results/model.webp"):
        assert part in card, part


def test_the_model_card_says_what_was_measured_last() -> None:
    card = " ".join((ROOT / "tools" / "families" / "mini" / "MODEL_CARD.md").read_text().split())
    result = json.loads((ROOT / "lab" / "results" / "model.json").read_text())
    figures = {figure["name"]: figure for figure in result["figures"]}
    assert result["command"] in card
    for name in ("single subject recognised", "two subjects, both recognised"):
        found = figures[name]
        assert f"{found['value']:.1f} %" in card, name
        assert f"{found['low']:.0f} to {found['high']:.0f}" in card, name
    assert f"{figures['autoencoder, held-out scenes']['value']:.1f} dB" in card
