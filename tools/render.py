"""Plan and seed to a drawn image and the record of what the model attended to.

Texts of the joint sequence while regions act: [background | region 1 | region 2 | … | base prompt]; otherwise the base prompt alone. A region acts where it
is planned: in its free mask if it has one, else in its box.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from cutwork.domain import Attended, HintSettings, Plan, Region, Render, Shot, Size, Subject
from cutwork.errors import BadInput
from cutwork.plurals import plurals
from cutwork.ports import Blobs, Watch
from cutwork.tools.attended import attended, cells
from cutwork.tools.attention import regions as regional
from cutwork.tools.attention.control import Regions, Weak
from cutwork.tools.attention.fuse import WEIGHTS
from cutwork.tools.attention.record import LARGEST, Readers, Recorder, Streaming
from cutwork.tools.attention.rectify import Rectify
from cutwork.tools.attention.regional import layout
from cutwork.tools.attention.regions import Isolation
from cutwork.tools.attention.subjects import Subjects
from cutwork.tools.conditioning import Conditioning, Phase, Window
from cutwork.tools.denoise import Techniques, denoise
from cutwork.tools.families.base import Family, Text
from cutwork.tools.guides import Guide
from cutwork.tools.keep.held import held
from cutwork.tools.keep.seam import laid_in
from cutwork.tools.keep.start import Start, level, start_of, staying, touched
from cutwork.tools.masks.place import Place, boxes, places
from cutwork.tools.nudge import Nudge
from cutwork.tools.pixels import decode, encode, resized
from cutwork.tools.record_file import Record

Preview = Callable[[int, np.ndarray], None]  # steps done, and a small picture
Begin = tuple[torch.Tensor, float]  # clean latents, and how noisy they are made
EARLY = 1 / 3  # share of the steps after which receipts are telling
HOPELESS_LIFT = 1.05  # attention to every subject is no denser inside its region than outside


def render(shot: Shot, family: Family, blobs: Blobs, watch: Watch | None = None, early_verdict: bool = True) -> Render:
    """Draw a shot, store image and record as blobs, and report where each region's words were attended.

    Args:
        early_verdict: stop at a third of the steps if attention to every subject is no denser inside its region than outside.

    Raises:
        Cancelled: when the watch asks for it. BadInput: if the plan does not fit the family, or a region's mask cannot be used.
    """
    started, watch = time.monotonic(), watch or Watch()
    plan, notes = family.translate(shot.plan)
    size, where = plan.size.root, places(plan, blobs)
    start = start_of(shot.keep, size, blobs) if shot.keep is not None else None
    if start is not None and not start.draws:
        return _composed(shot, family, start, blobs)
    if start is not None and start.behind:
        where = tuple(staying(start, place) for place in where)
    with family.adapted(plan.draw.loras, hints(plan, family, where, blobs)):
        ended = drawn(plan, family, shot.seed, where, watch, early_verdict, _shown(watch, blobs) if watch.on_preview else None, start)
    picture = resized(family.decode(ended.latents, ended.size), size)
    return Render(
        image=blobs.put(encode(picture if start is None else laid_in(start, picture))),
        record=blobs.put(record_of(plan, ended.recorder).to_bytes()),
        seed=shot.seed,
        model=family.name,
        steps=ended.steps,
        stopped_early=ended.stopped,
        attended=attention(ended.recorder, where),
        notes=(*notes, *_unread(plan, ended.conditioning, family), *_idle(plan, family)),
        unknown=family.unknown(shot.plan),
        seconds=round(time.monotonic() - started, 3),
    )


def _composed(shot: Shot, family: Family, start: Start, blobs: Blobs) -> Render:
    """A picture that is put together from others already: there is nothing to draw, and nothing was attended."""
    empty = record_of(shot.plan, recorder_of(shot.plan, family) if shot.plan.regions else None)
    return Render(image=blobs.put(encode(start.picture)), record=blobs.put(empty.to_bytes()), seed=shot.seed, model=family.name, steps=0)


@dataclass(frozen=True)
class Ended:
    """Where a drawing ended."""

    latents: torch.Tensor  # clean
    size: tuple[int, int]  # of them, in pixels: the plan's, unless it was stopped early
    steps: int  # done, of all sizes
    stopped: bool
    recorder: Recorder | None  # of the last size
    conditioning: Conditioning


def drawn(
    plan: Plan, family: Family, seed: int, where: Sequence[Place] | None = None, watch: Watch | None = None, early_verdict: bool = False,
    preview: Preview | None = None, start: Start | None = None,
) -> Ended:
    """A plan's latents. Where the family draws it better small it is drawn small, enlarged, and finished from some noise.

    Args:
        where: the place of each region; None = its box.
        start: a picture that is kept outside an area. Nothing of it is drawn small first that shows through at full size.
    """
    where, watch, size, draw = boxes(plan.regions) if where is None else where, watch or Watch(), plan.size.root, plan.draw
    early_verdict = early_verdict and start is None
    small = family.first_size(plan if start is None else touched(plan, start)) if draw.refine_from > 0 and not draw.hints else None
    if small is None or (start is not None and start.area.max() <= level(draw.refine_from)):
        return _stage(plan, family, seed, where, watch, early_verdict, preview, start=start)
    rest = sum(family.time(t) <= draw.refine_from for t in family.timesteps(draw.steps, size))
    told = replace(watch, on_step=lambda done, total: watch.on_step(done, total + rest))
    first = _stage(plan.model_copy(update={"size": Size(small)}), family, seed, where, told, early_verdict, preview, start=start)
    if first.stopped:
        return first
    enlarged = family.latents(resized(family.decode(first.latents, small), size))
    told = replace(watch, on_step=lambda done, total: watch.on_step(first.steps + done, first.steps + total))
    after = None if preview is None else lambda done, picture: preview(first.steps + done, picture)
    last = _stage(plan, family, seed, where, told, False, after, (enlarged, draw.refine_from), start)
    return replace(last, steps=first.steps + last.steps)


def _stage(
    plan: Plan, family: Family, seed: int, where: Sequence[Place], watch: Watch, early_verdict: bool, preview: Preview | None, begin: Begin | None = None,
    start: Start | None = None,
) -> Ended:
    """Draw a plan at its own size, from noise or from a picture with some noise."""
    size, draw = plan.size.root, plan.draw
    recorder = recorder_of(plan, family) if plan.regions else None
    verdict_at = max(2, round(draw.steps * EARLY)) if early_verdict else -1

    def hopeless(done: int) -> bool:
        seen = attention(recorder, where) if done == verdict_at else ()
        known = [a.lift for a in seen if a.box is not None]
        return bool(known) and max(known) < HOPELESS_LIFT

    conditioning, noise = condition(plan, family, where), family.noise(seed, size)
    ended = denoise(
        family, noise, conditioning, size, draw.steps, draw.guidance, techniques_of(plan, family), recorder, watch, hopeless, preview, begin,
        None if start is None else held(start, family, size),
    )  # fmt: skip
    return Ended(ended.latents, size, ended.steps, ended.stopped, recorder, conditioning)


def recorder_of(plan: Plan, family: Family) -> Recorder:
    """What a plan's settings record of a drawing.

    Raises:
        BadInput: if there are no such blocks or heads, no step is recorded, or maps are to be fused as they arrive in a way there is not.
    """
    how, steps = plan.draw.record, plan.draw.steps
    _known("record.blocks", how.blocks, family.blocks)
    _known("record.heads", how.heads, family.heads)
    if not any(how.start <= i / steps < how.until for i in range(steps)):
        raise BadInput(f"record.start {how.start} and until {how.until} hold none of {steps} steps")
    if plan.cut.fusion not in WEIGHTS:
        raise BadInput(f"cut.fusion is {plan.cut.fusion!r}; it can be {', '.join(WEIGHTS)}")
    return Recorder(
        len(plan.regions), family.grid(plan.size.root), frozenset(how.blocks) or None, how.heads, how.maps == "words", (how.start, how.until),
        None if how.store else Streaming(plan.cut.fusion, family.blocks, steps), how.itself or plan.cut.snap != "none",
    )  # fmt: skip


def _known(name: str, wanted: Sequence[int], there: int) -> None:
    """Refuse numbers of blocks or heads that the model does not have."""
    if max(wanted, default=0) >= there:
        raise BadInput(f"{name} are {list(wanted)}, the model has {there}, counted from 0")


def _shown(watch: Watch, blobs: Blobs) -> Preview:
    """Hand previews to a watch."""

    def show(done: int, picture: np.ndarray) -> None:
        if watch.on_preview is not None:
            watch.on_preview(done, blobs.put(encode(picture)))

    return show


def hints(plan: Plan, family: Family, where: Sequence[Place], blobs: Blobs) -> list[tuple[HintSettings, np.ndarray, torch.Tensor | None]]:
    """The plan's ControlNets, each with its picture and how much each image token hears of it.

    Raises:
        BadInput: if a picture is not there or not of the canvas size, or weights are not one for the background and one for each region.
    """
    out = []
    for one in plan.draw.hints:
        if one.image not in blobs:
            raise BadInput(f"the picture shown to the ControlNet {one.path} is not there")
        picture = decode(blobs.get(one.image), "RGB")
        if picture.shape[1::-1] != plan.size.root:
            raise BadInput(f"the picture shown to the ControlNet {one.path} is {picture.shape[1]}x{picture.shape[0]}, the canvas {plan.size}")
        if one.weights and len(one.weights) != len(plan.regions) + 1:
            raise BadInput(f"the ControlNet {one.path} has {len(one.weights)} weights, wanted {len(plan.regions) + 1}: of the background and of each region")
        out.append((one, picture, _heard(plan, family, where, one.weights) if one.weights else None))
    return out


def _heard(plan: Plan, family: Family, where: Sequence[Place], weights: Sequence[float]) -> torch.Tensor:
    """Weight of each image token, (P,): of the region that owns it, the nearest to the viewer, else of the background."""
    covers = _covers(plan, family, where)
    if not covers:
        return torch.full((int(np.prod(family.grid(plan.size.root))),), weights[0])
    bits = regional.image_bits(covers, [r.z for r in plan.regions])  # one bit each
    return torch.tensor(weights)[bits.double().log2().long()]


def _covers(plan: Plan, family: Family, where: Sequence[Place]) -> list[torch.Tensor]:
    """Image tokens that each region owns, bool (rows, columns)."""
    grid, (width, height) = family.grid(plan.size.root), plan.size.root
    if plan.draw.official:
        return [regional.nearest(torch.from_numpy(place.pixels(width, height)), grid) for place in where]
    return [regional.owned(torch.from_numpy(cells(place, *grid))) for place in where]


def condition(plan: Plan, family: Family, where: Sequence[Place] | None = None) -> Conditioning:
    """Encode what a plan says, once per image, with its regions.

    Args:
        where: the place of each region; None = its box.
    """
    draw, where = plan.draw, boxes(plan.regions) if where is None else where
    weak = draw.erg if draw.erg is not None and draw.erg.text_tau is not None else None
    guided = family.uses_cfg and draw.guidance > 1 and not (draw.erg is not None and draw.erg.alone)
    empty = family.encode([""]) if guided else None
    named = tuple(_named(family, plan.prompt, plan, r) for r in plan.regions)
    weakened = None if weak is None else family.encode([plan.prompt], weak)
    plain = Phase(family.encode([plan.prompt]), named, weak=weakened, readers=_readers(family, [plan.prompt], [0]))
    if not (draw.regional and plan.regions):
        return Conditioning(plain, (), empty)
    isolated = _regional(plan, family, plain, where, draw.isolate)
    free = isolated if draw.isolate_until >= draw.regional_until else _regional(plan, family, plain, where, "none")
    windows = (Window(draw.regional_from, min(draw.isolate_until, draw.regional_until), isolated), Window(draw.regional_from, draw.regional_until, free))
    return Conditioning(plain, windows, empty)


def _regional(plan: Plan, family: Family, plain: Phase, where: Sequence[Place], isolate: Isolation) -> Phase:
    """[background | regions | base] texts side by side, each visible only to its own image tokens; modulated by the whole prompt, or by all regions."""
    draw, prompts = plan.draw, [plan.background, *(r.prompt for r in plan.regions)]
    segments = family.encode(prompts, padded=draw.region_tokens)
    offsets = np.cumsum([0, *segments.lengths])
    keywords = tuple(tuple(int(offsets[i]) + t for t in _named(family, region.prompt, plan, region)) for i, region in enumerate(plan.regions, start=1))
    shared = draw.official or draw.overlap == "all"
    bits = regional.image_bits(_covers(plan, family, where), None if shared else [r.z for r in plan.regions])
    base, start = plain.text, int(offsets[-1])
    pooled = base.pooled if draw.pooled == "prompt" else _pooled(family, prompts, bits)
    blocks = family.every(*draw.regional_every)
    everywhere = len(blocks) == family.blocks
    read = draw.base_ratio > 0 or draw.self_cross is not None or not everywhere  # else nobody hears the base text
    regions = Regions(
        layout(segments.lengths, base.sequence.shape[1] if read else 0, bits, isolate).to(base.sequence.device),
        ratio=draw.base_ratio, soft=draw.soft, strengths=(1.0, *(r.strength for r in plan.regions)),
        base=read, blocks=None if everywhere else blocks, official=draw.official,
    )  # fmt: skip

    def beside_base(texts: Text, base: Text, pooled: torch.Tensor) -> Text:
        if not read:
            return Text(texts.sequence, pooled, texts.lengths)
        return Text(torch.cat([texts.sequence, base.sequence], 1), pooled, (*texts.lengths, *base.lengths))

    weak = None
    if plain.weak is not None and draw.erg is not None:
        texts = family.encode(prompts, draw.erg, draw.region_tokens)
        weak = beside_base(texts, plain.weak, plain.weak.pooled if draw.erg.text_pooled else pooled)
    readers = _readers(family, [*prompts, plan.prompt], offsets.tolist())
    base_keywords = tuple(tuple(start + t for t in tokens) for tokens in plain.keywords)
    return Phase(beside_base(segments, base, pooled), keywords, regions, base_keywords, start, weak, readers)


def _readers(family: Family, prompts: Sequence[str], offsets: Sequence[int]) -> Readers:
    """The words of each text encoder in prompts that start at these places; none where there is one encoder."""
    read = [family.words(prompt) for prompt in prompts]
    if len(read[0]) < 2:
        return ()
    return tuple(frozenset(at + t for words, at in zip(read, offsets, strict=True) for t in words[i]) for i in range(len(read[0])))


def _pooled(family: Family, prompts: Sequence[str], bits: torch.Tensor) -> torch.Tensor:
    """The mean of prompts' pooled vectors, (1, P), each by the share of image tokens that have its bit."""
    areas = [float((bits >> i & 1).double().mean()) for i in range(len(prompts))]
    vectors = torch.stack([family.encode([prompt]).pooled for prompt in prompts])  # (S, 1, P)
    shares = vectors.new_tensor(areas) / sum(areas)
    return (shares[:, None, None] * vectors).sum(0)


def techniques_of(plan: Plan, family: Family) -> Techniques:
    """What a plan's settings switch on beside its regions.

    Raises:
        BadInput: if they name blocks that the model does not have.
    """
    draw = plan.draw
    weak, scale = None, None
    if draw.erg is not None:
        _known("erg.blocks", draw.erg.blocks, family.blocks)
        scale = draw.erg.scale or family.suited.erg
        how = Rectify(draw.erg.tau, draw.erg.alpha, draw.erg.gamma, draw.erg.iterations)
        weak = Weak(how, frozenset(draw.erg.blocks) or family.erg_blocks)
    return Techniques(Guide(draw.guidance, scale, draw.apg), weak, draw.erg.start if draw.erg else 0.0, _nudge(plan, family), draw.cads)


def _nudge(plan: Plan, family: Family) -> Nudge | None:
    """Self-Cross between the plan's subjects, of those that resemble each other if it says which; None if there are not two that the prompt names."""
    how = plan.draw.self_cross
    if how is None:
        return None
    _known("self_cross.blocks", how.blocks, family.blocks)
    named = {s.id: _tokens(family, plan.prompt, s) for s in plan.subjects}
    known = [id for id, tokens in named.items() if tokens]
    pairs = [(known.index(a), known.index(b)) for a, b in plan.similar if a in known and b in known]
    if len(known) < 2 or (plan.similar and not pairs):
        return None
    subjects = Subjects.of(family.words(plan.prompt), [named[id] for id in known], pairs or None)
    return Nudge(subjects, how, frozenset(how.blocks) or family.self_cross_blocks, family.suited, family.leads) if subjects.words else None


def _idle(plan: Plan, family: Family) -> tuple[str, ...]:
    """A note where Self-Cross was asked for and there was nothing to keep apart."""
    if plan.draw.self_cross is None or _nudge(plan, family) is not None:
        return ()
    which = "no two of its similar subjects" if plan.similar else "no two of its subjects"
    return (f"Self-Cross did nothing: {which} are named in the part of the prompt that the model reads",)


def _named(family: Family, prompt: str, plan: Plan, region: Region) -> tuple[int, ...]:
    """Tokens that name a region's subject in a prompt."""
    return _tokens(family, prompt, plan.subject(region.subject))


def _tokens(family: Family, prompt: str, subject: Subject) -> tuple[int, ...]:
    """Tokens that name a subject in a prompt: its noun, else a plural of it, else its phrase's last word."""
    for words in (subject.noun, *plurals(subject.noun), subject.phrase.split()[-1]):
        if found := family.tokens(prompt, words):
            return found
    return ()


def attention(recorder: Recorder | None, where: Sequence[Place]) -> tuple[Attended, ...]:
    """Where each region's words were attended, from the maps on which no mask decided that beforehand."""
    if recorder is None:
        return ()
    return attended(recorder.looked().numpy(), where)


def _unread(plan: Plan, conditioning: Conditioning, family: Family) -> tuple[str, ...]:
    """A note for each subject whose words the text encoder never got to see."""
    lost = {r.subject for r, tokens in zip(plan.regions, conditioning.plain.keywords, strict=True) if not tokens}
    return tuple(f"{plan.subject(id).noun!r} is not among the first {family.max_words} tokens of the prompt, which is all the model reads" for id in sorted(lost))


def record_of(plan: Plan, recorder: Recorder | None) -> Record:
    """The recorder's maps as they are kept."""
    recorder = recorder or Recorder(0, plan.size.grid)
    blocks, steps = recorder.origins()
    among = recorder.among()
    kept = None if among is None else (among * len(among)).clamp(max=LARGEST).half().numpy()
    return Record(recorder.stack().numpy(), np.asarray(blocks, np.int16), np.asarray(steps, np.int16), kept)
