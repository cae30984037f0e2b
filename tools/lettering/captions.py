"""The captions of a plan on its picture: set by the plan's layout, painted, nothing drawn by a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cutwork.domain import Plan
from cutwork.tools.lettering import bar, labels, painting, panels, top_bottom
from cutwork.tools.lettering.scene import Composition, Pixels, Scene, scene

LAYOUTS: dict[str, Callable[[Scene], Composition]] = {"top-bottom": top_bottom.lay, "bar": bar.lay, "labels": labels.lay, "panels": panels.lay}
NOTHING = "there are no captions; the meme is the picture alone"


def compose(plan: Plan, image: Pixels, alphas: Sequence[Pixels]) -> Composition:
    """Set every caption of a plan on its picture; nothing is painted yet.

    Args:
        plan: captions in `bands`, their look in `finish.meme`.
        image: (h, w, 3) as it was drawn; smaller ones than `scene.LONGEST` are enlarged.
        alphas: one (h, w) for each region's subject; empty = nothing is known of them.

    Raises:
        BadInput: if there is no such font or colour, a caption is too long or has control characters, or picture and alphas are not of one size.
    """
    place = scene(plan, image, alphas)
    _ = place.style  # a font or colour that is not there is told also where there is nothing to set
    if not place.bands:
        return Composition(place.picture, place.alphas, (), (NOTHING,))
    found = LAYOUTS[plan.finish.meme.layout](place)
    return Composition(found.bare, found.alphas, found.captions, (*found.notes, *(note for one in found.captions for note in one.block.notes)))


def painted(composition: Composition) -> Pixels:
    """The finished picture, (H, W, 3): lines to subjects first, then letters."""
    canvas = composition.bare.copy()
    for one in composition.captions:
        if one.leader:
            painting.line(canvas, *one.leader, one.block.style.colour, one.block.style.stroke, labels.thickness(canvas))
    for one in composition.captions:
        painting.paint(canvas, one.block)
    return canvas
