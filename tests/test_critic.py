"""The critic: what geometry sees, what vision adds, and which repairs follow, round by round."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from cutwork.agents.critic import FITS, Thresholds, critique, geometry, vision
from cutwork.agents.fakes import ScriptedLlm
from cutwork.agents.schemas import CriticAnswer
from cutwork.domain import (
    REPAIR_COST,
    Attended,
    Box,
    Brief,
    CaptionBand,
    Critique,
    Cutout,
    CutSettings,
    DrawSettings,
    Finding,
    Move,
    Plan,
    Receipt,
    Recut,
    Region,
    Reguide,
    Rematte,
    Render,
    Repair,
    Replan,
    Reseed,
    Resize,
    Shot,
    Subject,
)
from cutwork.errors import LlmFailed, NotConfigured, Refused
from cutwork.graphs.repairs import apply

HASH = "0" * 64
LEFT, RIGHT = Box((0.1, 0.25, 0.4, 0.75)), Box((0.6, 0.25, 0.9, 0.75))


def plan(similar: bool = False, left: Box = LEFT, right: Box = RIGHT, **more: Any) -> Plan:
    return Plan(
        prompt="a cat and a dog",
        background="plain",
        subjects=(Subject(id="cat", phrase="a cat", noun="cat"), Subject(id="dog", phrase="a dog", noun="dog")),
        regions=(Region(subject="cat", box=left, prompt="a cat"), Region(subject="dog", box=right, prompt="a dog")),
        similar=(("cat", "dog"),) if similar else (),
        **more,
    )


def attended(index: int = 0, **values: Any) -> Attended:
    good: dict[str, Any] = {"box": (LEFT, RIGHT)[index], "inside": 0.5, "lift": 3.3, "leakage": {str(1 - index): 0.05}}
    return Attended(**good | values)


def receipt(index: int = 0, attention: Attended | None = None, **values: Any) -> Receipt:
    box = (LEFT, RIGHT)[index]
    good: dict[str, Any] = {"planned": box, "attended": attention or attended(index), "alpha": box, "iou": 0.8, "contained": 0.97, "fill": 0.7, "coverage": 0.1, "fragments": 1}
    return Receipt(**good | values)


def render(*attention: Attended, stopped: bool = False, seed: int = 7) -> Render:
    return Render(image=HASH, record=HASH, seed=seed, model="m", steps=24, stopped_early=stopped, attended=attention or (attended(0), attended(1)))


def cutouts(*receipts: Receipt) -> tuple[Cutout, ...]:
    return tuple(Cutout(subject=("cat", "dog")[i], region=i, image=HASH, mask=HASH, box=r.alpha, receipt=r) for i, r in enumerate(receipts))


def judged(first: Receipt, second: Receipt | None = None, the_plan: Plan | None = None, **more: Any) -> Critique:
    return critique(the_plan or plan(), render(), cutouts(first, second or receipt(1)), **more)


def kinds(verdict: Critique) -> set[str]:
    return {f.kind for f in verdict.findings}


def proposed(verdict: Critique) -> list[str]:
    return [r.kind for r in verdict.repairs]


def test_a_good_round_is_accepted() -> None:
    verdict = judged(receipt())
    assert (verdict.verdict, verdict.findings, verdict.repairs, verdict.disagreement) == ("accept", (), (), False)
    assert verdict.score > 0.95
    assert set(verdict.scores) == {"0", "1", "geometry"}


def test_a_shot_may_stand_for_its_plan() -> None:
    assert critique(Shot(plan=plan(), seed=1), render(), cutouts(receipt(), receipt(1))).verdict == "accept"


@pytest.mark.parametrize(
    ("kind", "values", "attention"),
    [
        ("missing", {"alpha": None, "fill": 0.0, "contained": 0.0, "iou": 0.0, "fragments": 0}, {}),
        ("missing", {"fill": 0.01}, {}),
        ("missing", {}, {"lift": 0.9, "inside": 0.13}),
        ("leaking", {}, {"lift": 2.0, "inside": 0.3, "leakage": {"1": 0.4}}),
        ("misplaced", {"contained": 0.3}, {}),
        ("misplaced", {"iou": 0.02}, {}),
        ("fragmented", {"fragments": 9}, {}),
        ("cropped", {"border": 0.1}, {}),
        ("overlapping", {"overlap": {"1": 0.6}}, {}),
        ("tiny", {"fill": 0.05}, {}),
        ("soft", {"softness": 0.7}, {}),
    ],
)
def test_each_fault_is_found_alone_and_lowers_the_score(kind: str, values: dict[str, Any], attention: dict[str, Any]) -> None:
    verdict = judged(receipt(attention=attended(**attention), **values))
    assert kinds(verdict) == {kind}
    (finding,) = verdict.findings
    assert (finding.subject, finding.region) == ("cat", 0)
    assert verdict.score < judged(receipt()).score
    assert verdict.scores["0"] < verdict.scores["1"]


def test_findings_begin_at_their_line_and_rise() -> None:
    severities = [max((f.severity for f in judged(receipt(softness=s)).findings), default=0.0) for s in (0.3, 0.35, 0.4, 0.6, 0.9)]
    assert severities[:2] == [0.0, 0.0]
    assert 0.4 <= severities[2] < severities[3] < severities[4] == 1.0
    assert judged(receipt(softness=0.4)).verdict == "accept", "a slight fault is told, not repaired"
    assert judged(receipt(softness=0.4), thresholds=Thresholds(accept_severity=0.1)).verdict == "repair"


def test_blending_takes_two_that_resemble_each_other() -> None:
    cat, dog = (receipt(i, attended(i, lift=1.8, inside=0.27, leakage={str(1 - i): 0.15})) for i in (0, 1))
    assert "blended" not in kinds(judged(cat, dog))
    verdict = judged(cat, dog, the_plan=plan(similar=True))
    assert "blended" in kinds(verdict)
    one_way = judged(cat, receipt(1), the_plan=plan(similar=True))
    assert "blended" not in kinds(one_way)


def test_regions_that_are_meant_to_overlap_do_not_leak() -> None:
    hat = Box((0.15, 0.25, 0.35, 0.45))
    nested = plan(similar=True, right=hat)
    leaky = receipt(1, attended(1, box=hat, lift=4.0, inside=0.2, leakage={"0": 0.7}), planned=hat, alpha=hat, overlap={"0": 0.9})
    verdict = critique(nested, render(), cutouts(receipt(), leaky))
    assert not kinds(verdict) & {"leaking", "blended", "overlapping"}


def test_a_free_mask_is_weighed_by_its_own_area() -> None:
    """The left region's mask is a tenth of the canvas in a much larger box: what leaks is thin beside what it attends to."""
    leaky = attended(lift=4.0, inside=0.4, leakage={"1": 0.3})
    boxed = plan()
    masked = boxed.model_copy(update={"regions": (boxed.regions[0].model_copy(update={"mask": HASH}), boxed.regions[1])})
    assert "leaking" in kinds(judged(receipt(attention=leaky), the_plan=boxed))
    assert "leaking" not in kinds(judged(receipt(attention=leaky), the_plan=masked))


def test_without_a_record_attention_is_not_judged() -> None:
    verdict = judged(receipt(attention=Attended()), receipt(1, Attended()))
    assert verdict.verdict == "accept"


def test_two_of_one_kind_share_their_keyword() -> None:
    cats = Plan(
        prompt="two cats",
        background="plain",
        subjects=(Subject(id="cat", phrase="a cat", noun="cat", count=2),),
        regions=tuple(Region(subject="cat", box=box, prompt="a cat") for box in (LEFT, RIGHT)),
    )
    both = [receipt(i, attended(i, lift=2.5, inside=0.4, leakage={str(1 - i): 0.4})) for i in (0, 1)]
    made = tuple(Cutout(subject="cat", region=i, image=HASH, mask=HASH, box=r.alpha, receipt=r) for i, r in enumerate(both))
    assert critique(cats, render(), made).verdict == "accept"


def test_a_plan_without_subjects_satisfies_nobody_and_only_a_person_can_help() -> None:
    empty = Plan(prompt="freedom", background="freedom")
    verdict = critique(empty, render(), ())
    assert (verdict.verdict, verdict.score, verdict.repairs) == ("repair", 0, ())
    assert "no subject" in verdict.findings[0].detail
    assert [r.kind for r in critique(empty, render(), (), interactive=True).repairs] == ["ask"]


def test_one_lost_subject_does_not_hide_how_the_other_does() -> None:
    lost = receipt(alpha=None, fill=0, contained=0, iou=0)
    assert judged(lost, receipt(1)).score > judged(lost, receipt(1, fill=0.05)).score > 0


# -------------------------------------------------------------------------------------------------------------- repairs


def climb(first: Receipt, the_plan: Plan | None = None, rounds: int = 12) -> list[Repair]:
    """The repairs of a run whose picture never gets better."""
    shot, tried = Shot(plan=the_plan or plan(), seed=7), list[Repair]()
    for _ in range(rounds):
        verdict = critique(shot, render(seed=shot.seed), cutouts(first, receipt(1)), tried=tried)
        if not verdict.repairs:
            break
        repair = verdict.repairs[0]
        tried.append(repair)
        if repair.kind not in ("replan", "ask"):
            assert apply(repair, shot) != shot, "a repair changes something"
            shot = apply(repair, shot)
    return tried


def test_repairs_are_proposed_cheapest_first() -> None:
    assert set(FITS) == set(get_args(Finding.model_fields["kind"].annotation))
    for fitting in FITS.values():
        assert list(fitting) == sorted(fitting, key=REPAIR_COST.index)
    verdict = judged(receipt(contained=0.1, softness=0.7, border=0.1, fill=0.05))
    assert proposed(verdict) == sorted(proposed(verdict), key=REPAIR_COST.index)
    assert proposed(verdict)[0] == "recut"


def test_a_run_climbs_from_cheap_to_dear_and_never_repeats() -> None:
    tried = climb(receipt(contained=0.1))
    order = [r.kind for r in tried]
    assert order[:4] == ["recut", "recut", "reguide", "reguide"]
    assert set(order[4:]) == {"reseed"}, "a new seed can always be tried; the budget of rounds ends it"
    assert len({r.model_dump_json() for r in tried}) == len(tried)


def test_recut_first_by_other_thresholds_then_by_fusion() -> None:
    first, second = climb(receipt(contained=0.1))[:2]
    assert first == Recut(cut=CutSettings(thresholds=(0.13, 0.39, 0.97))), "too much was cut: stricter"
    assert isinstance(first, Recut)
    assert second == Recut(cut=first.cut.model_copy(update={"fusion": "mean"}))
    assert climb(receipt(fill=0.03))[0] == Recut(cut=CutSettings(thresholds=(0.07, 0.21, 0.56))), "too little: more generous"


def test_rematte_is_for_soft_edges_once() -> None:
    assert judged(receipt(softness=0.8)).repairs[0] == Rematte()
    assert "rematte" not in proposed(judged(receipt(contained=0.1)))
    assert "rematte" not in proposed(judged(receipt(softness=0.8), the_plan=plan(cut=CutSettings(soft=True))))


def test_reguide_is_stronger_each_time() -> None:
    first, second = [r for r in climb(receipt(contained=0.1)) if isinstance(r, Reguide)]
    usual = DrawSettings()
    assert (first.draw.base_ratio, first.draw.regional_until) == (usual.base_ratio / 2, usual.regional_until + 0.25)
    assert first.draw.guidance == usual.guidance
    assert (second.draw.base_ratio, second.draw.regional_until) == (0.0, 1.0)
    assert second.draw.guidance > usual.guidance


def test_nothing_stronger_left_is_no_reguide() -> None:
    strongest = DrawSettings(base_ratio=0, regional_until=1)
    assert "reguide" not in proposed(judged(receipt(contained=0.1), the_plan=plan(draw=strongest)))


def test_a_cropped_region_moves_in_and_one_too_large_shrinks() -> None:
    assert proposed(judged(receipt(border=0.1)))[0] == "recut", "planned away from the border: the cut may have spilled"
    edge = Box((0.0, 0.25, 0.3, 0.75))
    move = judged(receipt(border=0.1), the_plan=plan(left=edge)).repairs[0]
    assert isinstance(move, Move)
    assert move.box.x0 >= 0.049
    assert (move.box.width, move.box.height) == pytest.approx((0.3, 0.5), abs=1e-4)
    wide = plan(left=Box((0.0, 0.0, 1.0, 0.5)), right=Box((0.3, 0.6, 0.7, 0.9)))
    assert judged(receipt(border=0.2), the_plan=wide).repairs[0] == Resize(region=0, scale=0.8)


def test_overlapping_regions_move_apart_and_out_of_bands() -> None:
    close = plan(left=Box((0.3, 0.3, 0.6, 0.6)), right=Box((0.45, 0.35, 0.75, 0.65)), bands=(CaptionBand(text="x", box=Box((0, 0, 1, 0.18))),))
    move = next(r for r in judged(receipt(overlap={"1": 0.9}), the_plan=close).repairs if isinstance(r, Move))
    assert move.box.intersection(close.regions[1].box) == 0
    assert move.box.y0 >= 0.18


def test_tiny_ones_grow() -> None:
    assert Resize(region=0, scale=1.3) in judged(receipt(fill=0.05)).repairs


def test_repairs_are_for_what_stands_in_the_way() -> None:
    """A slight fault does not use up rounds while a grave one waits."""
    edge = plan(left=Box((0.0, 0.25, 0.3, 0.75)))
    verdict = judged(receipt(border=0.1, fill=0.1), the_plan=edge)
    assert kinds(verdict) == {"cropped", "tiny"}
    assert proposed(verdict)[0] == "move"


def test_attention_alone_warns_where_the_cut_out_is_sound() -> None:
    drifting: dict[str, Any] = {"lift": 0.7, "inside": 0.1, "leakage": {"1": 0.5}}
    sound = judged(receipt(attention=attended(**drifting)))
    assert kinds(sound) == {"missing", "leaking"}
    assert max(f.severity for f in sound.findings) == Thresholds().attention_only
    assert max(f.severity for f in judged(receipt(attention=attended(**drifting), overlap={"1": 0.5})).findings) == 1.0


def test_a_new_seed_follows_from_the_old_and_is_new() -> None:
    first = [r for r in judged(receipt(contained=0.1)).repairs if isinstance(r, Reseed)]
    again = [r for r in judged(receipt(contained=0.1)).repairs if isinstance(r, Reseed)]
    other = [r for r in judged(receipt(contained=0.1), tried=first).repairs if isinstance(r, Reseed)]
    assert first == again
    assert first[0].seed not in (7, other[0].seed)


def test_replan_names_what_went_wrong_once() -> None:
    (replan,) = [r for r in judged(receipt(contained=0.1)).repairs if isinstance(r, Replan)]
    assert "cat (region 1): 10% of it lies in its region" in replan.reason
    assert "replan" not in proposed(judged(receipt(contained=0.1), tried=[replan]))


def test_only_a_person_who_is_there_is_asked() -> None:
    assert "ask" not in proposed(judged(receipt(contained=0.1)))
    assert proposed(judged(receipt(contained=0.1), interactive=True))[-1] == "ask"


def test_lost_subjects_are_cut_again_only_if_the_model_looked_for_them() -> None:
    lost: dict[str, Any] = {"alpha": None, "fill": 0.0, "contained": 0.0, "iou": 0.0}
    assert proposed(judged(receipt(**lost)))[0] == "recut"
    unseen = attended(lift=0.7, inside=0.1)
    verdict = critique(plan(), render(unseen, attended(1)), cutouts(receipt(attention=unseen, **lost), receipt(1)))
    assert proposed(verdict)[0] == "reguide"


def test_a_drawing_stopped_early_is_never_accepted_or_cut_again() -> None:
    verdict = critique(plan(), render(attended(lift=0.8, inside=0.1), attended(1), stopped=True), ())
    assert kinds(verdict) == {"missing"}
    assert verdict.verdict == "repair"
    assert not {"recut", "rematte"} & set(proposed(verdict))
    assert proposed(verdict)[0] == "reguide"
    fine = critique(plan(), render(stopped=True), ())
    assert (fine.verdict, proposed(fine)[0]) == ("repair", "reguide")
    assert fine.score < judged(receipt(contained=0.1)).score


# --------------------------------------------------------------------------------------------------------------- vision


def marks(alignment: float = 9, quality: float = 9, layout: float = 9, *issues: dict[str, Any]) -> CriticAnswer:
    return CriticAnswer.model_validate({"alignment": alignment, "quality": quality, "layout": layout, "issues": list(issues)})


def seen(answer: CriticAnswer, first: Receipt | None = None, **more: Any) -> tuple[Critique, ScriptedLlm]:
    llm = ScriptedLlm(answer, sees=True)
    return judged(first or receipt(), llm=llm, picture=b"png", brief=Brief(text="a cat and a dog"), **more), llm


def test_vision_joins_in() -> None:
    verdict, llm = seen(marks())
    assert verdict.scores["vision"] == pytest.approx(0.9)
    assert verdict.verdict == "accept"
    assert llm.prompts[0].images == (b"png",)
    assert llm.prompts[0].variables["brief"] == "a cat and a dog"
    assert '"number": 2, "subject": "dog"' in llm.prompts[0].text


def test_halves_that_differ_are_reported_and_both_count() -> None:
    verdict, _ = seen(marks(2, 2, 2, {"subject": "dog", "kind": "wrong", "detail": "it is a horse"}, {"subject": "unicorn", "kind": "missing"}))
    assert verdict.disagreement
    assert verdict.verdict == "repair"
    assert verdict.scores["vision"] < verdict.score < verdict.scores["geometry"]
    assert {(f.subject, f.region, f.kind) for f in verdict.findings} == {("dog", 1, "wrong"), (None, None, "missing")}
    assert not seen(marks(7, 7, 7))[0].disagreement


@pytest.mark.parametrize(("given", "wanted"), [((10, 10, 10), 1.0), ((85, 85, 85), 0.85), ((-3, 5, 5), None), ((0, 0, 0), 0.01)])
def test_odd_marks(given: tuple[float, float, float], wanted: float | None) -> None:
    _, scores = vision(plan(), b"png", ScriptedLlm(marks(*given), sees=True))
    assert 0 < scores["vision"] <= 1
    if wanted is not None:
        assert scores["vision"] == pytest.approx(wanted)


@pytest.mark.parametrize("error", [LlmFailed("no"), NotConfigured("gone"), Refused("no")])
def test_geometry_stands_alone_and_says_so_where_vision_fails(error: Exception) -> None:
    """What was drawn is not thrown away because a server was lost since."""
    alone, verdict = judged(receipt()), judged(receipt(), llm=ScriptedLlm(sees=True).enqueue(CriticAnswer, error), picture=b"png")
    (note,) = verdict.findings
    assert (note.severity, note.detail) == (0.0, f"the picture itself was not looked at, only measured: {error}")
    assert verdict.model_copy(update={"findings": ()}) == alone


def test_a_lost_server_asks_for_no_repair() -> None:
    bad = receipt(contained=0.1)
    lost = judged(bad, llm=ScriptedLlm(sees=True).enqueue(CriticAnswer, NotConfigured("gone")), picture=b"png")
    assert lost.repairs == judged(bad).repairs
    assert lost.findings[-1].severity == 0.0


def test_a_model_that_cannot_see_is_not_asked() -> None:
    llm = ScriptedLlm(sees=False)
    judged(receipt(), llm=llm, picture=b"png")
    judged(receipt(), llm=ScriptedLlm(sees=True), picture=None)
    assert llm.history == []


def test_geometry_alone() -> None:
    findings, scores = geometry(plan(), render(), cutouts(receipt(), receipt(1)))
    assert findings == ()
    assert set(scores) == {"0", "1", "geometry"}


# ------------------------------------------------------------------------------------------------------------- lettering

TOP, BOTTOM = CaptionBand(text="MONDAY", box=Box((0.0, 0.0, 1.0, 0.2))), CaptionBand(text="again", box=Box((0.0, 0.8, 1.0, 1.0)))


def test_a_subject_under_the_lettering_is_found() -> None:
    tall = receipt(alpha=Box((0.1, 0.1, 0.4, 0.75)), coverage=0.3 * 0.65)
    verdict = judged(tall, the_plan=plan(bands=(TOP, BOTTOM)))
    (found,) = [f for f in verdict.findings if f.kind == "caption"]
    assert (found.subject, found.region) == ("cat", 0)
    assert "at the top: it covers 15% of that strip" in found.detail
    assert verdict.scores["0"] < verdict.scores["1"]


def test_how_much_is_covered_follows_from_how_dense_the_subject_is() -> None:
    from cutwork.agents.geometry import clash

    box = Box((0.0, 0.1, 0.5, 0.9))
    assert clash(receipt(alpha=box, coverage=0.4), TOP) == pytest.approx(0.25)
    assert clash(receipt(alpha=box, coverage=0.2), TOP) == pytest.approx(0.125)
    assert clash(receipt(alpha=None), TOP) == 0.0
    assert clash(receipt(), TOP) == 0.0


def test_what_keeps_nobody_out_clashes_with_nobody() -> None:
    label = CaptionBand(text="me", box=LEFT, subject="cat")
    whole = CaptionBand(text="me", box=Box((0.0, 0.0, 1.0, 1.0)))
    assert "caption" not in kinds(judged(receipt(), the_plan=plan(bands=(label,), finish={"kind": "meme", "meme": {"layout": "labels"}})))
    for layout in ("bar", "panels"):
        assert "caption" not in kinds(judged(receipt(), the_plan=plan(bands=(whole,), finish={"kind": "meme", "meme": {"layout": layout}})))
    assert "caption" in kinds(judged(receipt(), the_plan=plan(bands=(whole,))))


def test_a_grave_clash_is_repaired_and_a_slight_one_is_not() -> None:
    def at(y0: float) -> Critique:
        return judged(receipt(alpha=Box((0.1, y0, 0.4, 0.75)), coverage=0.3 * (0.75 - y0)), the_plan=plan(bands=(TOP, BOTTOM)))

    assert at(0.19).verdict == "accept"
    assert at(0.0).verdict == "repair"
    assert {r.kind for r in at(0.0).repairs} & {"move", "resize", "reseed", "replan"}
    assert any(isinstance(r, Replan) and "touches the lettering" in r.reason for r in at(0.0).repairs)


def test_lettering_that_hardly_stands_out_is_found() -> None:
    dull = judged(receipt(), the_plan=plan(bands=(TOP, BOTTOM)), contrasts=(12.0, 2.5))
    (found,) = [f for f in dull.findings if f.kind == "caption"]
    assert (found.subject, found.region, found.detail) == (None, None, "'again' is hard to read: contrast 2.5 of 21")
    assert dull.verdict == "repair"
    assert judged(receipt(), the_plan=plan(bands=(TOP, BOTTOM)), contrasts=(12.0, 4.5)).verdict == "accept"


def test_the_eyes_are_told_of_the_strips_and_not_of_the_lettering() -> None:
    llm = ScriptedLlm().enqueue(CriticAnswer, {"alignment": 9, "quality": 9, "layout": 9})
    vision(plan(bands=(TOP,), finish={"kind": "meme"}), b"png", llm, Brief(text='meme: a cat and a dog, top "MONDAY"'))
    asked = llm.prompts[0].variables
    assert asked["brief"] == "a cat and a dog"
    assert '"text": "MONDAY"' in asked["bands"]


def test_what_the_model_has_not_learned_is_no_success_and_is_not_tried_again() -> None:
    drawn = render().model_copy(update={"unknown": ("dog",)})
    verdict = critique(plan(), drawn, cutouts(receipt(0), receipt(1, alpha=None, fill=0.0)))
    assert [(f.subject, f.kind, f.severity) for f in verdict.findings] == [("dog", "unknown", 1.0)]
    assert "m has not learned it" in verdict.findings[0].detail
    assert verdict.verdict == "repair"
    assert verdict.repairs == ()
    assert critique(plan(), render(), cutouts(receipt(0), receipt(1))).verdict == "accept"
    both = critique(plan(), drawn, cutouts(receipt(0, alpha=None, fill=0.0), receipt(1)))
    assert both.repairs, "the other one may still be mended"
