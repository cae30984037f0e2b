"""Plans, shots, renders, receipts and rounds for tests: whole and valid with no arguments, and otherwise in whatever is named.

Test files import it as `builders`; `conftest.py` puts its folder on the path.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from cutwork.domain import Attended, Box, Brief, Critique, Cutout, Design, Plan, Receipt, Region, Render, Round, Shot, Subject
from cutwork.lab.art import Art
from cutwork.ports import Blobs

if TYPE_CHECKING:
    from cutwork.tools.families.flux import FluxFamily

HASH = "0" * 64
LEFT, RIGHT = Box((0.1, 0.25, 0.4, 0.75)), Box((0.6, 0.25, 0.9, 0.75))
Pixels = np.ndarray


def a_plan(*phrases: str, boxes: Sequence[Box] = (LEFT, RIGHT), masks: Sequence[str | None] = (None, None), **changes: Any) -> Plan:
    """One region for each phrase, "a cat" and "a dog" where none is given; a subject's id and noun are its phrase's last word, later ones are nearer."""
    phrases = phrases or ("a cat", "a dog")
    background = changes.pop("background", "a plain background")
    nouns = [phrase.split()[-1] for phrase in phrases]
    given: dict[str, Any] = {
        "prompt": f"{' and '.join(phrases)} on {background}",
        "background": background,
        "subjects": tuple(Subject(id=noun, phrase=phrase, noun=noun) for noun, phrase in zip(nouns, phrases, strict=True)),
        "regions": tuple(
            Region(subject=noun, box=box, prompt=f"{phrase} on {background}", z=z, mask=mask)
            for z, (noun, phrase, box, mask) in enumerate(zip(nouns, phrases, boxes, masks, strict=False))
        ),
    }
    return Plan.model_validate(given | changes)


def a_shot(seed: int = 7, plan: Plan | None = None, **changes: Any) -> Shot:
    """A seed and a plan: the one given, or one with these changes."""
    return Shot(plan=plan or a_plan(**changes), seed=seed)


def a_receipt(planned: Box = LEFT, **changes: Any) -> Receipt:
    """Of a subject that fills its box and was attended there."""
    good: dict[str, Any] = {
        "planned": planned, "attended": Attended(box=planned, inside=0.5, lift=3.3), "alpha": planned,
        "iou": 0.8, "contained": 0.97, "fill": 0.7, "coverage": 0.1, "fragments": 1,
    }  # fmt: skip
    return Receipt(**good | changes)


def a_round(plan: Plan, image: Pixels, masks: Sequence[Pixels], blobs: Blobs, number: int = 1, seed: int = 7, seconds: float = 1.0) -> Round:
    """A round that was accepted: an image (H, W, 3) and one cut-out for each mask (H, W) bool, all among the blobs."""
    cutouts = tuple(
        Cutout(
            subject=region.subject,
            region=k,
            image=blobs.put(png(np.dstack([np.where(mask[..., None], image, 0), mask * 255]).astype(np.uint8))),
            mask=blobs.put(grey_png(mask)),
            box=region.box,
            receipt=a_receipt(region.box, iou=1.0),
        )
        for k, (region, mask) in enumerate(zip(plan.regions, masks, strict=True))
    )
    render = Render(image=blobs.put(png(image)), record=HASH, seed=seed, model="mini", steps=plan.draw.steps, seconds=seconds)
    return Round(number=number, shot=Shot(plan=plan, seed=seed), render=render, cutouts=cutouts, critique=Critique(score=0.9, verdict="accept"))


def a_design(*rounds: Round, **changes: Any) -> Design:
    """A run that delivered its first round."""
    plan = rounds[0].shot.plan if rounds else None
    given: dict[str, Any] = {
        "id": "run-1", "status": "accepted", "brief": Brief(text="a cat and a dog"), "seed": 7, "model": "mini", "llm": "offline",
        "plan": plan, "rounds": rounds, "best": rounds[0].number if rounds else None,
    }  # fmt: skip
    return Design(**given | changes)


def png(pixels: Pixels) -> bytes:
    """Pixels (H, W), (H, W, 3) or (H, W, 4) uint8 as a plain PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def grey_png(mask: Pixels) -> bytes:
    """A mask (H, W) bool as the grey PNG that regions and cut-outs name."""
    return png(mask.astype(np.uint8) * 255)


def unpng(data: bytes) -> Pixels:
    """The pixels of a PNG, in its own mode."""
    return np.array(Image.open(io.BytesIO(data)))


def flat_art(folder: Path, *subjects: tuple[str, str, str]) -> tuple[Art, ...]:
    """Subjects of one colour each, drawn into a folder: (noun, colour, "ellipse" or "rectangle"), so that nothing need be fetched."""
    made = []
    for noun, colour, shape in subjects:
        image = Image.new("RGBA", (96, 96))
        getattr(ImageDraw.Draw(image), shape)((8, 20, 88, 76), fill=colour)
        image.save(folder / f"{noun}.png")
        made.append(Art(noun, (), 0, folder / f"{noun}.png"))
    return tuple(made)


def tiny_flux() -> FluxFamily:
    """The random FLUX of the contract tests."""
    from cutwork.tools.families import flux

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party notices while building random models
        family = flux.tiny()
    assert isinstance(family, flux.FluxFamily)
    return family


def recompose(plates: Sequence[Pixels], inks: Pixels) -> Pixels:
    """The tile that plates (H, W) print with these inks (n, 3), the later over the earlier."""
    page = np.full((*plates[0].shape, 3), 255, np.uint8)
    for plate, ink in zip(plates, inks, strict=True):
        page[plate == 0] = ink
    return page
