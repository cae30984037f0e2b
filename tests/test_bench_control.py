"""The bench of attention control at its smallest size: what its rows say, that they can be kept, and that it measures what it says."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import torch

from cutwork.lab import bench_control as bench
from cutwork.lab import bench_models, live, two_branch
from cutwork.tools.attention import regions
from cutwork.tools.conditioning import Step
from cutwork.tools.render import condition

TINY = bench.SCALES["tiny"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def rows() -> list[bench.Row]:
    return bench.control("tiny", repeats=1, tokens=(32, 48), counts=(2,))


@pytest.mark.slow
def test_every_part_has_its_rows(rows: list[bench.Row]) -> None:
    assert [(row.technique, row.family, row.tokens, row.regions) for row in rows] == [
        ("regional", "flux", 32, 2), ("regional", "flux", 48, 2),
        ("recording 4 keywords", "flux", 32, 0), ("self-cross, 2 subjects", "flux", 32, 0), ("erg over one branch", "flux", 32, 0),
        ("erg over classifier-free guidance", "sd3", 96, 0), ("everything", "flux", 32, 2),
        ("recording and regions", "flux", 32, 4), ("recording and regions, weights apart", "flux", 32, 4),
    ]  # fmt: skip


def test_a_ratio_lies_between_its_turns(rows: list[bench.Row]) -> None:
    for row in rows:
        assert 0 < row.low <= row.ratio <= row.high
        assert (row.published is not None) == (row.technique == "regional")


def test_windows_are_the_shares_they_are_said_to_be(rows: list[bench.Row]) -> None:
    shares = {"regional": 0.4, "self-cross, 2 subjects": 0.5, "erg over one branch": 0.4, "erg over classifier-free guidance": 0.4, "everything": 0.1}
    for row in rows:
        acting = shares.get(row.technique, 1.0) * row.steps
        assert acting == pytest.approx(round(acting))
    assert bench.SCALES["flux"].steps_for(5) == 25
    assert bench.SCALES["flux"].steps_for(2) == 24


def test_the_table_says_how_and_where(rows: list[bench.Row]) -> None:
    told = bench.table(rows)
    assert "flux: 2 + 2 blocks, width 128, 64 image tokens; CPU, 1 thread, float32; time: median of 1 whole drawings in CPU seconds" in told
    assert "sd3: 3 blocks, width 128, 64 image tokens" in told
    assert all(row.technique in told for row in rows)
    assert "≤ 1.45" in told
    assert f"{rows[0].by_tokens:.2f}" in told
    for row in rows:
        line = next(line for line in told.splitlines() if line.startswith(f"  {row.technique:36}") and f"{row.tokens:>8}{row.steps:>7}" in line)
        assert ("missed" in line.split(), "met" in line.split()) == (row.met is False, row.met is True)
    assert told.count("technique") == 3  # FLUX, SD3 and memory, each with its own


def test_a_thread_by_itself_is_timed_by_what_it_worked_and_several_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what else a machine does is not counted."""
    assert bench._clock(TINY) == (time.process_time, "CPU seconds")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert bench._clock(TINY) == (time.perf_counter, "seconds")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert bench._clock(bench.SCALES["flux"]) == (time.perf_counter, "seconds")


def test_figures_are_kept_one_part_at_a_time(rows: list[bench.Row], tmp_path: Path) -> None:
    path = tmp_path / "results" / "bench.json"
    bench.keep(rows[:3], path)
    bench.keep([bench.Row(**{**vars(rows[1]), "ratio": 9.0}), rows[3]], path)
    kept = json.loads(path.read_text())
    assert [row["technique"] for row in kept] == ["regional"] * 2 + ["recording 4 keywords", "self-cross, 2 subjects"]
    assert [row["ratio"] for row in kept] == [rows[0].ratio, 9.0, rows[2].ratio, rows[3].ratio]
    assert kept[3]["target"] == 1.45
    assert "published" not in kept[3]
    assert kept[1]["command"] == "cutwork bench control --scale tiny --repeats 1 --part regional --tokens 48 --regions 2"
    assert "torch" in kept[1]["machine"]
    assert ("met" in kept[1], kept[3]["met"]) == (False, rows[3].ratio <= 1.45)
    assert bench.kept(path)[0] == rows[0]


def test_what_this_machine_has_measured_is_taken_up(rows: list[bench.Row], monkeypatch: pytest.MonkeyPatch) -> None:
    other = bench.Row(**{**vars(rows[0]), "machine": "another"})
    monkeypatch.setattr(bench.Job, "rows", lambda job: [other])
    written: list[bench.Row] = []
    got = bench.control("tiny", 1, (32, 48), (2,), ("regional",), [other, rows[1]], written.extend)
    assert got == [other, rows[1]], "what another machine says of the first is measured again"
    assert written == got


def test_parts_can_be_asked_for_alone() -> None:
    assert [row.technique for row in bench.control("tiny", 1, (32,), (2,), ("record",))] == ["recording 4 keywords"]


def test_a_model_is_made_once_for_texts_of_all_lengths() -> None:
    short, long = bench_models.flux(TINY, 32), bench_models.flux(TINY, 48)
    assert short.model is long.model
    assert short.encode(["a cat"]).sequence.shape[1] == 32
    assert long.encode(["a cat"]).sequence.shape[1] == 48
    assert bench_models.weights(short) > 4 * sum(x.numel() for x in short.model.parameters())


def test_building_leaves_randomness_and_number_types_alone() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    half = bench_models.Scale(1, 1, 1, 1, 64, 4, dtype=torch.bfloat16)
    assert bench_models.flux(half, 16).model.dtype == torch.bfloat16
    assert torch.rand(1) == wanted


@pytest.mark.parametrize("count", [2, 3])
def test_what_time_by_tokens_comes_to_is_what_is_in_the_sequence(rows: list[bench.Row], count: int) -> None:
    plan, family = bench.plan_of(TINY, count), bench_models.flux(TINY, 32)
    told = condition(plan, family)
    tokens = [sum(told.at(step, plan.draw.steps).text.lengths) + TINY.image_tokens for step in range(plan.draw.steps)]
    row = bench.Row(**{**vars(rows[0]), "regions": count})
    assert row.by_tokens == pytest.approx(sum(tokens) / (tokens[-1] * len(tokens)), abs=1e-3)
    assert bench.as_json([row])[0]["by_tokens"] == row.by_tokens
    assert rows[2].by_tokens is None


def test_two_branches_hear_embedded_guidance_as_we_do() -> None:
    family, plan = bench_models.flux(TINY, 32), bench.plan_of(TINY, 3, isolate="all")
    size, t = plan.size.root, family.timesteps(5, plan.size.root)[1]
    segments, base = family.encode([plan.background, *(r.prompt for r in plan.regions)]), family.encode([plan.prompt])
    bits = regions.image_bits([regions.coverage(r.box.root, family.grid(size)) for r in plan.regions])
    told = two_branch.Told(segments.sequence, segments.lengths, base.sequence, base.pooled, bits, 0.2)
    step = Step(family, t, condition(plan, family).at(0, 5), size, 3.5, 0, 5)
    with torch.no_grad():
        ours = step.predict(family.noise(0, size), step.control())
    torch.testing.assert_close(ours, two_branch.predict(family, family.noise(0, size), t, told, size, 3.5), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(ours, two_branch.predict(family, family.noise(0, size), t, told, size, 1.0), atol=1e-5)


@pytest.mark.parametrize("isolate", ["all", "regions", "none"])
def test_the_published_mask_is_ours(isolate: regions.Isolation) -> None:
    bits = torch.tensor([1, 2, 2, 4, 6, 8, 1, 12])  # with overlaps
    assert torch.equal(two_branch.mask((3, 2, 4, 1), bits, isolate), regions.mask((3, 2, 4, 1), bits, isolate))


def test_live_bytes_are_counted_to_the_byte() -> None:
    old = torch.ones(1000)

    def work() -> None:
        first = torch.zeros(1000)  # 4,000 bytes
        second = first.view(10, 100).t() + 1  # 4,000 more; the view has none
        del first, second
        third = old.view(10, 100).t()  # older than the work, so none of its own
        third.add(1)

    assert live.peak(work, CPU) == 8000


def test_live_bytes_see_what_a_gradient_holds() -> None:
    x = torch.ones(1000, requires_grad=True)
    with live.Live() as alive:
        y = x.exp().sin()  # both are held
        assert alive.now == 8000
        del y
        assert alive.now == 0
