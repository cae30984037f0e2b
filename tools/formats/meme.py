"""A meme: the picture, large enough to be shared, with its captions, and beside it the picture as it was drawn.

    meme.png   image.png   overview.png   manifest.json

Everything comes from the drawing, its cut-outs and the plan's bands, so that other captions need no other drawing.
"""

from __future__ import annotations

from cutwork.colours import parse
from cutwork.domain import Artifact, Design, FinishSettings, Json
from cutwork.ports import Blobs
from cutwork.tools.formats import overview, png
from cutwork.tools.formats.base import artifact, canonical, delivered
from cutwork.tools.lettering.captions import compose, painted
from cutwork.tools.lettering.clash import READABLE, Clash, measured
from cutwork.tools.lettering.fonts import face
from cutwork.tools.lettering.scene import Caption, Composition, Pixels
from cutwork.tools.pixels import decode

CLASHES = 0.02  # share of a caption's pixels on a subject from which it is said


def check(finish: FinishSettings, subjects: int = 1) -> None:  # noqa: ARG001 - as every format's
    """Refuse what no picture could be lettered with.

    Raises:
        BadInput: if there is no such font or colour.
    """
    face(finish.meme.font)
    for name in (finish.meme.colour, finish.meme.stroke):
        parse(name)


def write(design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
    """Files of a finished meme.

    Raises:
        BadInput: if the design has no delivered round, there is no such font or colour, or a caption cannot be set.
    """
    best = delivered(design)
    image = decode(blobs.get(best.render.image), "RGB")
    composition = compose(best.shot.plan, image, [decode(blobs.get(c.mask), "L") for c in best.cutouts])
    picture = painted(composition)
    listing = canonical(manifest(design, composition, picture))
    return (
        artifact("meme", "meme.png", png.encode(picture, png.texts(design)), blobs, "image/png", (picture.shape[1], picture.shape[0])),
        *png.write(design, blobs),
        *overview.write(design, blobs),
        artifact("manifest", "manifest.json", listing, blobs, "application/json"),
    )


def manifest(design: Design, composition: Composition, picture: Pixels) -> Json:
    """What the image's own manifest says, with every caption as it stands and how well it can be read."""
    captions = list(zip(composition.captions, measured(composition, picture), strict=True))
    warnings = (note for caption, clash in captions for note in _warnings(design, caption, clash))
    return png.listing(design, *composition.notes, *warnings) | {
        "meme": "meme.png",
        "size": [picture.shape[1], picture.shape[0]],
        "layout": delivered(design).shot.plan.finish.meme.layout,
        "captions": [_entry(caption, clash) for caption, clash in captions],
    }


def _entry(caption: Caption, clash: Clash) -> Json:
    """One caption: boxes are pixels of `meme.png`, contrasts WCAG ratios, clash by the number of the region."""
    block = caption.block
    return {
        "caption": block.text,
        "band": caption.band,
        "subject": caption.subject,
        "lines": list(block.lines),
        "box": list(block.box),
        "ink": list(block.ink),
        "leader": [list(point) for point in caption.leader] if caption.leader else None,
        "size": block.size,
        "stroke": block.stroke,
        "fonts": list(block.fonts),
        "contrast": clash.contrast,
        "behind": clash.behind,
        "clash": {str(region): share for region, share in clash.clash.items()},
    }


def _warnings(design: Design, caption: Caption, clash: Clash) -> list[str]:
    """What a person should know of a caption: that it can hardly be read, or covers whom it does not name."""
    regions = delivered(design).shot.plan.regions
    told = [
        f"{clash.caption[:40]!r} covers {regions[region].subject!r}: {share:.0%} of its letters stand there"
        for region, share in clash.clash.items()
        if share > CLASHES and regions[region].subject != caption.subject
    ]
    if caption.block.lines and clash.contrast < READABLE:
        told.append(f"{clash.caption[:40]!r} is hard to read: contrast {clash.contrast}, wanted {READABLE}")
    return told
