"""A design's files in a folder, and the design as the JSON that people's programs read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from cutwork.domain import Artifact, Cutout, Design, Json
from cutwork.errors import BadInput, StorageFailed
from cutwork.ports import Blobs

Place = Callable[[str, str], str]  # content hash and wished file name to the path


def deliver(design: Design, blobs: Blobs, out: Path) -> Json:
    """Write a design's files into a folder, each whole or not at all, and return the design as JSON with their paths.

    Raises:
        BadInput: if a file's name leads out of the folder. StorageFailed: if the folder cannot be written; the run itself is kept.
    """
    from cutwork.tools.formats.base import export

    names: dict[str, str] = {}  # file name to content: two files may well be equal
    for one in design.artifacts:
        _name(names, one.sha256, one.name)
    data = as_json(design, lambda sha256, name: str(out / _name(names, sha256, name)))
    try:
        export([Artifact(kind="file", sha256=sha256, media_type="application/octet-stream", name=name) for name, sha256 in names.items()], blobs, out)
    except ValidationError as error:
        raise BadInput(f"run {design.id} names a file that leads out of {out}: {error.errors()[0]['input']!r}") from error
    except StorageFailed as error:
        kept = f"the run is kept: cutwork show {design.id} --out ELSEWHERE"
        raise StorageFailed(str(error), hint="; ".join(filter(None, (error.hint, kept)))) from error
    return data


def _name(names: dict[str, str], sha256: str, wanted: str) -> str:
    """The file name a content gets: the one wished for, unless another content has it."""
    path = PurePosixPath(wanted)
    name = wanted if names.get(wanted, sha256) == sha256 else str(path.with_name(f"{path.stem}-{sha256[:12]}{path.suffix}"))
    names[name] = sha256
    return name


def as_json(design: Design, place: Place) -> Json:
    """A design as the contract's JSON; `place(sha256, name)` puts a blob somewhere and returns its path.

    Seed and plan are those of the delivered round: what was drawn, not what was tried last.
    """
    best = design.delivered
    cutouts = best.cutouts if best else ()
    plan = best.shot.plan if best else design.plan
    shown = next((a for a in design.artifacts if a.kind == "image"), None)
    return {
        "id": design.id,
        "status": design.status,
        "brief": design.brief.text,
        "kind": design.brief.kind,
        "size": [design.brief.size.width, design.brief.size.height],
        "seed": best.shot.seed if best else design.seed,
        "model": design.model,
        "llm": design.llm,
        "plan": plan.model_dump(mode="json") if plan else None,
        "rounds": [
            {
                "number": r.number,
                "image": place(r.render.image, f"rounds/{r.number}.png"),
                "critique": r.critique.model_dump(mode="json"),
                "repairs": [r.applied.model_dump(mode="json")] if r.applied else [],
                "seconds": r.render.seconds,
            }
            for r in design.rounds
        ],
        "best": design.best,
        "image": place(shown.sha256, shown.name) if shown else None,
        "cutouts": [
            {
                "subject": c.subject,
                "image": place(*layer),
                "mask": place(*mask),
                "box": list(c.box.root) if c.box else None,
                "receipt": c.receipt.model_dump(mode="json"),
            }
            for c, layer, mask in zip(cutouts, _finished(design, "cutout", "image", cutouts), _finished(design, "mask", "mask", cutouts), strict=True)
        ],
        "artifacts": [
            {
                "kind": a.kind,
                "path": place(a.sha256, a.name),
                "media_type": a.media_type,
                "sha256": a.sha256,
                "width": a.width,
                "height": a.height,
            }
            for a in design.artifacts
        ],
        "timings": design.timings,
        "error": design.error,
        "created": design.created,
    }


def _finished(design: Design, kind: str, field: str, cutouts: Sequence[Cutout]) -> list[tuple[str, str]]:
    """Content and name of the finished files of a kind, one a cut-out; the raw ones where the format wrote none."""
    files = [(a.sha256, a.name) for a in design.artifacts if a.kind == kind]
    raw = [(getattr(c, field), f"{kind}s/{i:02}-{c.subject}.png") for i, c in enumerate(cutouts, start=1)]
    return files if len(files) == len(raw) else raw
