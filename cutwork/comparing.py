"""Two takes of a session side by side."""

from __future__ import annotations

from collections.abc import Sequence

from cutwork import composing
from cutwork.agents import telling
from cutwork.domain import Json, Round
from cutwork.errors import BadInput
from cutwork.history import Tree
from cutwork.studio import Studio


def compared(studio: Studio, tree: Tree, a: str, b: str) -> Json:
    """Two takes side by side: their designs, what differs in words, and the share of pixels that differ (None where they are of other sizes)."""
    turns = [tree.by[id] for id in (a, b)]
    for turn in turns:
        if turn.design is None:
            raise BadInput(f"take {turn.number} has no picture")
    rounds = [composing.delivered(studio.show(str(t.design))) for t in turns]
    differences = telling.differences(rounds[0].shot.plan, rounds[1].shot.plan)
    share = _share(studio, rounds)
    seeds = rounds[0].shot.seed != rounds[1].shot.seed
    differences += [f"it was drawn with seed {rounds[1].shot.seed} instead of {rounds[0].shot.seed}"] if seeds else []
    told = "; ".join(differences) or ("nothing" if share == 0 else "nothing that was planned")
    pixels = "" if share is None else f"; {share:.0%} of the pixels differ"
    return {
        "a": {"turn": turns[0].id, "number": turns[0].number, "design": turns[0].design, "image": rounds[0].render.image},
        "b": {"turn": turns[1].id, "number": turns[1].number, "design": turns[1].design, "image": rounds[1].render.image},
        "differences": differences,
        "changed": share,
        "text": f"from take {turns[0].number} to take {turns[1].number}: {told}{pixels}",
    }


def _share(studio: Studio, rounds: Sequence[Round]) -> float | None:
    from cutwork.tools.pixels import decode

    one, two = (decode(studio.wired.blobs.get(r.render.image), "RGB") for r in rounds)
    return round(float((one != two).any(-1).mean()), 6) if one.shape == two.shape else None
