"""A design's files in a folder, and the design as the JSON that people's programs read.

The folder says in `.cutwork.json` which files were written here, with their hashes. A later delivery takes away those that it
does not write itself, and nothing else: neither files of other people nor ours that were changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Annotated, get_args

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from cutwork.domain import Artifact, Cutout, Design, FileName, Json, SaveForm, Sha256
from cutwork.errors import BadInput, StorageFailed
from cutwork.ports import Blobs

Place = Callable[[str, str], str]  # content hash and wished file name to the path
LISTING = ".cutwork.json"
Hashes = Annotated[frozenset[Sha256], BeforeValidator(lambda one: [one] if isinstance(one, str) else one)]  # one, or those it has or had where a delivery was cut short
Files = dict[FileName, Hashes]
_FILES: TypeAdapter[Files] = TypeAdapter(Files)


def deliver(design: Design, blobs: Blobs, out: Path) -> Json:
    """Write a design's files into a folder, each whole or not at all, and return the design as JSON with their paths.

    What an earlier delivery left in the folder is taken away, so that it holds this design's files.

    Raises:
        BadInput: if a file's name leads out of the folder. StorageFailed: if the folder cannot be written; the run itself is kept.
    """
    from cutwork.tools.formats.base import export

    names: dict[str, str] = {}  # file name to content: two files may well be equal
    for one in design.artifacts:
        _name(names, one.sha256, one.name)
    data = as_json(design, lambda sha256, name: str(out / _name(names, sha256, name)))
    try:
        files = [Artifact(kind="file", sha256=sha256, media_type="application/octet-stream", name=name) for name, sha256 in names.items()]
        with _replacing(out, names):
            export(files, blobs, out)
    except ValidationError as error:
        raise BadInput(f"run {design.id} names a file that leads out of {out}: {error.errors()[0]['input']!r}") from error
    except StorageFailed as error:
        kept = f"the run is kept: cutwork show {design.id} --out ELSEWHERE"
        raise StorageFailed(str(error), hint="; ".join(filter(None, (error.hint, kept)))) from error
    return data | {"notes": notes(design, blobs)}


def notes(design: Design, blobs: Blobs) -> list[str]:
    """What is to be said of a design, and what whoever finished it has to say, which its manifest holds."""
    made: list[str] = []
    with suppress(StorageFailed):  # one that is damaged is told of where files are delivered
        for manifest in (a for a in design.artifacts if a.kind == "manifest"):
            made += json.loads(blobs.get(manifest.sha256)).get("notes", [])
    return list(dict.fromkeys([*design.notes, *made]))


MADE_BY = {"zip": "bundle"}  # the format that makes it, where that has another name
FORMS: tuple[SaveForm, ...] = get_args(SaveForm)


def within(path: str | Path | None, name: str) -> Path:
    """The path, or that of a file of this name in it, if it is a folder; in the current one if there is none."""
    path = Path(path or "")
    return path / name if path.is_dir() else path


def save_as(design: Design, blobs: Blobs, form: str, path: Path | None = None) -> Path:
    """Write a design as one file for other programs, whole or not at all.

    Args:
        path: where to, a file or a folder; None = here. In a folder the file has the run's id with the form's ending.

    Raises:
        BadInput: if there is no such form, or the design has delivered nothing. StorageFailed: if the file cannot be written.
    """
    from cutwork.tools.formats.base import export

    made = made_as(design, blobs, form)
    path = within(path, f"{design.id}{PurePosixPath(made.name).suffix}")
    (written,) = export([made.model_copy(update={"name": path.name})], blobs, path.parent)
    return written


def made_as(design: Design, blobs: Blobs, form: str) -> Artifact:
    """A design as one file for other programs, among the blobs.

    Raises:
        BadInput: if there is no such form, or the design has delivered nothing.
    """
    from cutwork import registry

    if form not in FORMS:
        raise BadInput(f"there is no form {form!r}: run, {', '.join(FORMS)}")
    made: Artifact = registry.find("cutwork.tools.formats", MADE_BY.get(form, form)).make(design, blobs)
    return made


@contextmanager
def _replacing(out: Path, names: Mapping[str, str]) -> Iterator[None]:
    """Keep account of what is written meanwhile, and take away afterwards what was written before and is not now."""
    before, new = _listed(out), {name: frozenset([sha256]) for name, sha256 in names.items()}
    if not new and not before:
        yield
        return
    _list(out, {name: before.get(name, frozenset()) | new.get(name, frozenset()) for name in before | new})  # first, so that a crash leaves no file, old or new, that is not accounted for
    yield
    for name in before.keys() - new.keys():
        _take_away(out, name, before[name])
    _list(out, new)


def _listed(out: Path) -> Files:
    """What earlier deliveries wrote; nothing where that cannot be read, for what is not known to be ours stays."""
    try:
        return _FILES.validate_json((out / LISTING).read_bytes())
    except (OSError, ValidationError):
        return {}


def _list(out: Path, files: Files) -> None:
    path = out / LISTING
    partial = path.with_name(f"{LISTING}.part")
    try:
        out.mkdir(parents=True, exist_ok=True)
        told = {name: next(iter(hashes)) if len(hashes) == 1 else sorted(hashes) for name, hashes in files.items()}
        partial.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise StorageFailed(f"cannot write {path}: {error.strerror or error}", "free some space or choose another --out folder") from error


def _take_away(out: Path, name: str, hashes: frozenset[str]) -> None:
    """Delete a file of ours that is as we wrote it, and its folder if that is then empty."""
    path = out / name
    if path.is_symlink() or not path.resolve().is_relative_to(out.resolve()):
        return
    with suppress(OSError):  # it is gone, or is not to be deleted: then it stays
        if hashlib.sha256(path.read_bytes()).hexdigest() in hashes:
            path.unlink()
            for folder in path.relative_to(out).parents:
                if folder != Path("."):
                    (out / folder).rmdir()


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
        "kind": design.kind,
        "parent": design.parent,
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
                "seconds": 0.0 if r.render in (earlier.render for earlier in design.rounds[:i]) else r.render.seconds,  # of drawing; a new cut needs none
            }
            for i, r in enumerate(design.rounds)
        ],
        "best": design.best,
        "notes": list(design.notes),
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
    from cutwork.tools.formats.base import layer_name

    files = [(a.sha256, a.name) for a in design.artifacts if a.kind == kind]
    raw = [(getattr(c, field), layer_name(kind, c)) for c in cutouts]
    return files if len(files) == len(raw) else raw
