"""Tools for assistants: every one builds a LangChain tool with a schema of plain JSON, runs, and refuses what cannot be."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any, get_args

import pytest
from langchain_core.tools import StructuredTool
from pydantic import ValidationError

from cutwork import toolbox
from cutwork.delivery import FORMS
from cutwork.domain import Design, Kind
from cutwork.errors import BadInput
from cutwork.graphs.fakes import FakeDrawing
from cutwork.studio import Studio
from cutwork.tools.drawing import LocalDrawing

NAMES = ("cut", "layers", "meme", "plate", "receipt", "sticker", "textile")
ASKED: dict[str, dict[str, Any]] = {
    "cut": {"settings": {"fusion": "mean", "thresholds": [0.1, 0.4, 0.9]}},
    "layers": {"form": "ora"},
    "meme": {"captions": ["MONDAY", "again"], "settings": {"font": "sofia"}},
    "plate": {},
    "receipt": {},
    "sticker": {"settings": {"preset": "whatsapp", "outline": 12}},
    "textile": {"palette": ["navy", "cream"], "settings": {"repeat": "half-brick", "width_cm": 4, "dpi": 72}},
}


@pytest.fixture
def studio(home: Path) -> Studio:
    made = Studio(home=home, llm="offline", steps=2, rounds=1)
    made.wired.__dict__["drawing"] = FakeDrawing(made.wired.blobs, model="mini")
    return made


@pytest.fixture
def drawn(studio: Studio) -> Design:
    made = studio.design("a cat and a rocket on a purple background", seed=7)
    studio.wired.__dict__["drawing"] = LocalDrawing("mini", studio.wired.blobs)  # cuts and finishes for true; nothing here draws
    return made


def tool(studio: Studio, name: str) -> StructuredTool:
    return StructuredTool.from_function(next(one for one in toolbox.tools(studio) if one.__name__ == name))


def test_a_file_is_a_tool_and_every_kind_of_goods_and_every_form_has_one() -> None:
    assert toolbox.names() == NAMES
    forms = toolbox.find("layers").__annotations__["form"]
    assert {"sticker", "meme", "textile"} == set(get_args(Kind)) - {"cutout"}
    assert forms == "Form"
    from cutwork.toolbox.layers import Form

    assert set(get_args(get_args(Form)[0])) == set(FORMS) - {"receipt"}
    with pytest.raises(BadInput, match="toolbox has no 'paint'; it has cut, layers"):
        toolbox.find("paint")


@pytest.mark.parametrize("name", NAMES)
def test_every_tool_has_a_schema_of_plain_json_and_says_what_it_does(studio: Studio, name: str) -> None:
    made = tool(studio, name)
    assert made.name == name
    assert len(made.description) > 60
    schema = made.tool_call_schema.model_json_schema()  # type: ignore[union-attr]
    json.dumps(schema)
    assert schema["required"] == ["run"]
    assert schema["properties"]["run"]["type"] == "string"
    assert "studio" not in schema["properties"]
    assert set(ASKED[name]) <= set(schema["properties"])
    assert set(schema["properties"]) == {*inspect.signature(toolbox.find(name)).parameters} - {"studio"}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_tool_runs_draws_nothing_and_leaves_the_run_as_it_was(studio: Studio, drawn: Design, name: str, tmp_path: Path) -> None:
    told = tool(studio, name).invoke({"run": drawn.id, "folder": str(tmp_path / "made"), **ASKED[name]})
    json.dumps(told)
    assert told["files"]
    assert all(Path(path).is_file() and Path(path).stat().st_size > 0 for path in told["files"])
    assert all(Path(path).is_relative_to(tmp_path / "made") for path in told["files"])
    assert studio.show(drawn.id) == drawn
    if told["run"] != drawn.id:
        made = studio.show(told["run"])
        assert (made.parent, made.delivered and made.delivered.render) == (drawn.id, drawn.delivered and drawn.delivered.render)


def test_only_what_is_said_changes(studio: Studio, drawn: Design) -> None:
    first = tool(studio, "sticker").invoke({"run": drawn.id, "settings": {"preset": "telegram", "outline": 6}})
    second = tool(studio, "sticker").invoke({"run": first["run"], "settings": {"colour": "gold"}})
    after = studio.show(second["run"]).goods.sticker
    assert (after.preset, after.outline, after.colour) == ("telegram", 6, "gold")
    assert all("/" not in name or name.startswith("stickers/") for name in second["files"]), "names, where nothing was written"
    assert not Path("out").exists()


def test_a_new_cut_is_judged_anew_and_its_goods_are_made_of_it(studio: Studio, drawn: Design) -> None:
    sticker = studio.refinish(drawn.id, kind="sticker")
    told = tool(studio, "cut").invoke({"run": sticker.id, "settings": {"method": "paper", "iterations": 2}})
    made = studio.show(told["run"])
    assert (made.kind, made.goods) == ("sticker", sticker.goods)
    best = made.delivered
    assert best is not None
    assert (best.shot.plan.cut.method, best.shot.plan.cut.iterations, best.shot.plan.cut.fusion) == ("paper", 2, sticker.delivered.shot.plan.cut.fusion)  # type: ignore[union-attr]
    assert all(c.receipt.iou > 0.4 for c in best.cutouts), "its receipts are those of the new cut-outs"
    assert made.status == ("accepted" if best.accepted else "best_effort")


@pytest.mark.parametrize(
    ("name", "arguments", "fault"),
    [
        ("sticker", {"settings": {"preset": "snapchat"}}, "preset"),
        ("textile", {"settings": {"dpi": 0}}, "dpi"),
        ("textile", {"palette": ["red"] * 33}, "32 items"),
        ("layers", {"form": "doc"}, "form"),
        ("cut", {"settings": {"thresholds": [0.5, 0.2, 0.1]}}, "must rise"),
        ("meme", {"settings": {"fond": "anton"}}, "fond"),
    ],
)
def test_arguments_that_cannot_be_are_refused_by_the_schema(studio: Studio, name: str, arguments: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        tool(studio, name).invoke({"run": "r1", **arguments})


@pytest.mark.parametrize(
    ("name", "arguments", "fault"),
    [
        ("meme", {"settings": {"font": "impact"}}, "no font 'impact'"),
        ("meme", {"captions": ["x" * 5_000]}, "5,000 characters, at most 400"),
        ("textile", {"palette": ["navy"]}, "palette of one colour"),
        ("sticker", {"settings": {"colour": "blurple"}}, "no colour 'blurple'"),
        ("cut", {"settings": {"fusion": "median"}}, "it can be mean"),
        ("cut", {"settings": {"snap": "spread"}}, "was not recorded"),
    ],
)
def test_what_only_the_work_can_refuse_is_named_and_leaves_no_run(studio: Studio, drawn: Design, name: str, arguments: dict[str, Any], fault: str) -> None:
    with pytest.raises(BadInput, match=fault):
        tool(studio, name).invoke({"run": drawn.id, **arguments})
    assert len(studio.runs()) == 1


def test_a_run_that_is_not_there_is_named(studio: Studio) -> None:
    for name in NAMES:
        with pytest.raises(BadInput, match="nowhere"):
            tool(studio, name).invoke({"run": "nowhere"})
