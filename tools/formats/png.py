"""The finished image as one PNG that says how it was made; its cut-outs and its overview say the same.

Three text chunks: `parameters` in the form image managers read since A1111's web UI, our own manifest (`cutwork`, JSON: enough to draw
the image again), and XMP that marks the picture as made by a trained model (IPTC DigitalSourceType). No times, no run ids: same design, same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin
from pydantic import ValidationError

from cutwork import __version__
from cutwork.domain import Artifact, Design, Json, Shot
from cutwork.errors import BadInput
from cutwork.ports import Blobs
from cutwork.tools.formats.base import artifact, canonical, delivered
from cutwork.tools.pixels import decode

MANIFEST_VERSION = 1
LEVEL = 3  # of compression: half the time of 6, for files a fifth larger
SAMPLER = "Euler"
TRAINED_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP_KEY = "XML:com.adobe.xmp"
XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    Iptc4xmpExt:DigitalSourceType="{TRAINED_MEDIA}"
    xmp:CreatorTool="Cutwork {__version__}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def write(design: Design, blobs: Blobs) -> tuple[Artifact, ...]:
    """The delivered image as `image.png`, with its metadata.

    Raises:
        BadInput: if the design has no delivered round.
    """
    image = decode(blobs.get(delivered(design).render.image), "RGB")
    data = encode(image, texts(design))
    return (artifact("image", "image.png", data, blobs, "image/png", (image.shape[1], image.shape[0])),)


def texts(design: Design) -> dict[str, str]:
    """The text chunks of every picture of a design, by keyword: a few kilobytes, enough for `cutwork rerun` to draw it again."""
    return {"parameters": parameters(design), "cutwork": canonical(manifest(design)).decode()}


def encode(image: NDArray[np.uint8], texts: dict[str, str] | None = None, generated: bool = True) -> bytes:
    """PNG bytes of pixels (H, W) or (H, W, 3 or 4), same pixels and texts, same bytes.

    Args:
        image: uint8 pixels.
        texts: text chunks by keyword; Latin-1 goes to tEXt, other text to iTXt.
        generated: whether the picture carries the mark of a trained model's work.
    """
    info = PngImagePlugin.PngInfo()
    for key, text in (texts or {}).items():
        info.add_text(key, text)
    if generated:
        info.add_itxt(XMP_KEY, XMP)
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG", pnginfo=info, compress_level=LEVEL)
    return out.getvalue()


def manifest(design: Design) -> Json:
    """What drew the delivered image: plan, seed, model and brief, named by their own content instead of a run id."""
    best = delivered(design)
    recipe: Json = {
        "model": best.render.model,
        "seed": best.shot.seed,
        "plan": best.shot.plan.model_dump(mode="json"),
    }
    if best.shot.keep is not None:
        recipe["keep"] = best.shot.keep.model_dump(mode="json")
    return {
        "manifest": MANIFEST_VERSION,
        "cutwork": __version__,
        "design": hashlib.sha256(canonical(recipe)).hexdigest()[:16],
        "brief": design.brief.model_dump(mode="json"),
        "llm": design.llm,
        **recipe,
    }


def listing(design: Design, *notes: str) -> Json:
    """What every `manifest.json` begins with: the image's own manifest, the critic's verdict, and the notes of the design and of who finishes it."""
    critique = delivered(design).critique
    return {
        **manifest(design),
        "image": "image.png",
        "score": critique.score,
        "verdict": critique.verdict,
        "findings": [f.model_dump(mode="json") for f in critique.findings],
        "notes": [*design.notes, *notes],
    }


def parameters(design: Design) -> str:
    """The line of settings that image managers show: prompt, then "Steps: 24, Sampler: Euler, CFG scale: 4, …"."""
    best = delivered(design)
    plan = best.shot.plan
    settings = {
        "Steps": plan.draw.steps,
        "Sampler": SAMPLER,
        "CFG scale": f"{plan.draw.guidance:g}",
        "Seed": best.shot.seed,
        "Size": plan.size,
        "Model": best.render.model.replace(",", " "),
        "Version": f"Cutwork {__version__}",
    }
    return " ".join(plan.prompt.split()) + "\n" + ", ".join(f"{key}: {value}" for key, value in settings.items())


def read_manifest(path: Path | str) -> Json:
    """The manifest of a finished PNG, its plan checked.

    Raises:
        BadInput: if there is no such file, it is no whole PNG, or its manifest is missing, damaged or of a newer Cutwork.
    """
    text = _text_chunk(Path(path), "cutwork")
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or not isinstance(found.get("manifest"), int):
            raise BadInput(f"{path}: its cutwork manifest has no version")
        if found["manifest"] > MANIFEST_VERSION:
            raise BadInput(f"{path}: manifest version {found['manifest']}, this Cutwork reads up to {MANIFEST_VERSION}", hint="update Cutwork")
        shot(found)
    except BadInput:
        raise
    except (ValueError, ValidationError, KeyError, RecursionError) as fault:
        raise BadInput(f"{path}: its cutwork manifest is damaged: {str(fault)[:200]}") from fault
    return found


def shot(manifest: Json) -> Shot:
    """The plan and seed of a manifest, ready to be drawn; ValidationError or KeyError if they are not there."""
    return Shot.model_validate({"plan": manifest["plan"], "seed": manifest["seed"], "keep": manifest.get("keep")})


def _text_chunk(path: Path, key: str) -> str:
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            texts: dict[str, Any] = dict(getattr(image, "text", {}))
    except FileNotFoundError as fault:
        raise BadInput(f"there is no file {path}") from fault
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise BadInput(f"{path} is not a readable PNG: {fault}") from fault
    if key not in texts:
        raise BadInput(f"{path} has no cutwork manifest; it was not made by Cutwork, or its metadata was stripped on the way")
    return str(texts[key])
