"""Models known by name: what they are, under which licence, how to get them, how large they are and what suits them.

Steps and guidance are those of the model cards. Sizes and work are what `python -m cutwork.lab.measure_models` prints. Models
that are not listed load all the same, by the pipeline that their folder or file belongs to.
"""

from __future__ import annotations

import json
import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cutwork.errors import BadInput, CutworkError, LicenceRefused, NotConfigured

PIPELINES = {  # which family and layout a pipeline belongs to, by the class that a model_index.json names
    "FluxPipeline": ("flux", "flux"), "StableDiffusion3Pipeline": ("sd3", "sd3"),
    "StableDiffusionXLPipeline": ("unet", "sdxl"), "StableDiffusionPipeline": ("unet", "sd15"),
}  # fmt: skip
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
CLASSES = {layout: name for name, (_, layout) in PIPELINES.items()}
FAMILIES = {layout: family for family, layout in PIPELINES.values()}


@dataclass(frozen=True)
class Known:
    """One model of the list."""

    name: str
    title: str
    repo: str
    layout: str
    licence: str
    terms: str  # what the licence asks, in a few words; the licence itself decides
    gated: bool  # whether the hub wants terms accepted before a download
    steps: int
    guidance: float
    side: int  # pixels of the square it was made for
    words: int  # text tokens that its denoiser reads
    parameters: dict[str, float]  # of each component, in millions
    work: float  # of one pass at that side, in 10¹² operations
    attention: float  # of that, what grows with the square of the area

    @property
    def family(self) -> str:
        return FAMILIES[self.layout]

    @property
    def page(self) -> str:
        """Where its licence can be read and accepted."""
        return f"https://huggingface.co/{self.repo}"

    @property
    def get(self) -> str:
        """The command that downloads what is drawn with, and not the same weights in other forms."""
        return download(self.repo)

    @property
    def passes(self) -> int:
        """Of the denoiser in a step: guidance that is neither distilled nor absent takes a second one."""
        return 1 if self.layout == "flux" else 2


def download(repo: str) -> str:
    """The command that downloads a hub id's diffusers folder, and not the same weights in other forms."""
    kinds = " ".join(f"--include '{kind}'" for kind in ("*.json", "*/*.txt", "*/*.model", "*/*.safetensors"))
    return f"hf download {repo} {kinds} --exclude '*.fp16.*' --exclude '*.non_ema.*' --exclude 'safety_checker/*'"


APACHE = ("Apache-2.0", "any use")
FLUX_DEV = ("FLUX.1 [dev] Non-Commercial License", "non-commercial use of the model; its pictures may be used, see the licence")
STABILITY = ("Stability AI Community License", "free for research and non-commercial use, and commercially below a yearly revenue that it names")
RAIL = ("CreativeML OpenRAIL-M", "any use but those that it lists as harmful; the list is passed on")
RAIL_PLUS = ("CreativeML Open RAIL++-M", RAIL[1])
FLUX_PARTS = {"text_encoder": 123.1, "text_encoder_2": 4762.3, "vae": 83.8}
SD3_PARTS = {"text_encoder": 123.7, "text_encoder_2": 694.7, "text_encoder_3": 4762.3, "vae": 83.8}

MODELS = (
    Known("flux-schnell", "FLUX.1 [schnell]", "black-forest-labs/FLUX.1-schnell", "flux", *APACHE, True, 4, 1.0, 1024, 256,
          {"transformer": 11891.2, **FLUX_PARTS}, 69.47, 13.27),
    Known("flux-dev", "FLUX.1 [dev]", "black-forest-labs/FLUX.1-dev", "flux", *FLUX_DEV, True, 28, 3.5, 1024, 512,
          {"transformer": 11901.4, **FLUX_PARTS}, 74.38, 14.87),
    Known("sd3-medium", "Stable Diffusion 3 Medium", "stabilityai/stable-diffusion-3-medium-diffusers", "sd3", *STABILITY, True, 28, 7.0, 1024, 333,
          {"transformer": 2085.0, **SD3_PARTS}, 8.9, 2.89),
    Known("sd3.5-medium", "Stable Diffusion 3.5 Medium", "stabilityai/stable-diffusion-3.5-medium", "sd3", *STABILITY, True, 40, 4.5, 1024, 333,
          {"transformer": 2469.7, **SD3_PARTS}, 11.25, 4.23),
    Known("sd3.5-large", "Stable Diffusion 3.5 Large", "stabilityai/stable-diffusion-3.5-large", "sd3", *STABILITY, True, 28, 3.5, 1024, 333,
          {"transformer": 8146.3, **SD3_PARTS}, 31.12, 7.25),
    Known("sdxl", "Stable Diffusion XL", "stabilityai/stable-diffusion-xl-base-1.0", "sdxl", *RAIL_PLUS, False, 30, 6.0, 1024, 77,
          {"unet": 2567.5, "text_encoder": 123.1, "text_encoder_2": 694.7, "vae": 83.7}, 6.76, 0.78),
    Known("sd15", "Stable Diffusion 1.5", "stable-diffusion-v1-5/stable-diffusion-v1-5", "sd15", *RAIL, False, 30, 7.5, 512, 77,
          {"unet": 859.5, "text_encoder": 123.1, "vae": 83.7}, 0.8, 0.13),
)  # fmt: skip
NAMED = (  # what hub ids of models like these have in their names, the more particular first
    ("schnell", "flux-schnell"), ("flux", "flux-dev"), ("3.5-medium", "sd3.5-medium"), ("3.5", "sd3.5-large"), ("diffusion-3", "sd3-medium"), ("sd3", "sd3-medium"),
    ("sdxl", "sdxl"), ("diffusion-xl", "sdxl"), ("diffusion-v1", "sd15"), ("sd15", "sd15"), ("sd-v1", "sd15"),
)  # fmt: skip


def find(name: str) -> Known:
    """A known model by its name here or its hub id.

    Raises:
        BadInput: if it is not listed.
    """
    for known in MODELS:
        if name.lower() in (known.name, known.repo.lower()):
            return known
    raise BadInput(f"there is no known model {name!r}; there are mini, {', '.join(known.name for known in MODELS)}")


def like(model: str) -> Known | None:
    """The known model that a hub id, folder or single file is or was made from; None where that cannot be told without the hub.

    Raises:
        BadInput: if a file or folder is there but cannot be drawn with.
    """
    path = Path(model).expanduser()
    if path.is_file():
        found = _held(path, path.stat().st_mtime_ns)
        return find("flux-dev") if found == "flux-schnell" and "schnell" not in path.name.lower() else find(found)
    if path.exists():
        return _like_folder(path, pipeline_of(path))
    if (known := next((known for known in MODELS if known.repo.lower() == model.lower()), None)) is not None:
        return known
    if (folder := cached(model)) is not None:
        return _like_folder(folder, pipeline_of(folder), model)
    return next((find(known) for part, known in NAMED if HUB_ID.fullmatch(model) and part in model.lower()), None)


@lru_cache(maxsize=64)
def _held(path: Path, changed: int) -> str:  # noqa: ARG001 - a file that changed is read again
    from cutwork.tools.layouts import held

    return held(path).like


def pipeline_class(model: str) -> str:
    """The pipeline that a model is drawn with: by its file or folder, the list, its index in the cache, its name, and else by asking the hub.

    Raises:
        BadInput: if it is neither a local folder or file nor a hub id, or its pipeline is of no known family.
        NotConfigured: if only the hub could tell and cannot be reached. LicenceRefused: if the hub wants a licence accepted first.
    """
    if (known := like(model)) is not None:
        return CLASSES[known.layout]
    if HUB_ID.fullmatch(model):
        return asked(model)
    raise BadInput(
        f"there is no model {model!r}; use mini, a diffusers folder, a .safetensors or .gguf file, or a hub id such as {MODELS[0].repo}",
        "`cutwork models` lists those that are known",
    )


def _like_folder(folder: Path, pipeline: str, model: str = "") -> Known:
    layout = PIPELINES[pipeline][1]
    if layout == "flux":
        return find("flux-schnell" if "schnell" in (model or folder.name).lower() else "flux-dev")
    if layout != "sd3":
        return find(layout)
    config: dict[str, object] = {}
    with suppress(OSError, ValueError):
        config = json.loads((folder / "transformer" / "config.json").read_text("utf-8"))
    if config.get("dual_attention_layers"):
        return find("sd3.5-medium")
    return find("sd3.5-large" if config.get("qk_norm") else "sd3-medium")


def pipeline_of(folder: Path) -> str:
    """The pipeline that a diffusers folder declares.

    Raises:
        BadInput: if it declares none, or one that no family draws with.
    """
    index = folder / "model_index.json"
    if not index.is_file():
        raise BadInput(f"{folder} is not a diffusers folder: it has no model_index.json", "give a folder that has one, or a .safetensors or .gguf file")
    try:
        pipeline = json.loads(index.read_text(encoding="utf-8"))["_class_name"]
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"{index} is damaged: it names no pipeline") from None
    if pipeline not in PIPELINES:
        raise BadInput(f"{folder} holds a {pipeline}; Cutwork draws with {', '.join(PIPELINES)}")
    return str(pipeline)


def cached(repo: str) -> Path | None:
    """The folder of a hub id in the local cache, if at least its index is there."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    with suppress(HFValidationError):
        index = try_to_load_from_cache(repo, "model_index.json")
        return Path(index).parent if isinstance(index, str) else None
    return None


def present(repo: str) -> bool:
    """Whether a hub id can be drawn with without the network."""
    from cutwork.tools.layouts import absent

    folder = cached(repo)
    return folder is not None and not absent(folder)


@lru_cache(maxsize=64)
def asked(repo: str) -> str:
    """The pipeline that a hub id's index declares, asked of the hub itself.

    Raises:
        BadInput: if there is no such repository, or nothing in it to draw with. LicenceRefused: if it is gated.
        NotConfigured: if the hub cannot be reached.
    """
    from huggingface_hub import hf_hub_download

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # its retries are no news to anybody
    try:
        return pipeline_of(Path(hf_hub_download(repo, "model_index.json")).parent)
    except CutworkError:
        raise
    except Exception as error:
        raise explained(repo, error) from error


def explained(model: str, error: Exception) -> Exception:
    """A loader's error as one of ours: what is missing, under which licence it stands, and the command that gets it."""
    if isinstance(error, CutworkError):
        return error
    kind = type(error).__name__
    known = None
    with suppress(BadInput):
        known = find(model)
    if kind == "GatedRepoError":
        licence = f"its licence ({known.licence}: {known.terms})" if known else "its licence"
        return LicenceRefused(f"{model} is gated: accept {licence} on its hub page, then set HF_TOKEN", hint=f"https://huggingface.co/{model}, then: {download(model)}")
    if kind == "RepositoryNotFoundError":
        return BadInput(f"there is no model {model!r} on the hub, or it is private", "look at its name; for a private one set HF_TOKEN")
    if kind in ("OutOfMemoryError", "MemoryError"):
        return NotConfigured(f"{model} does not fit into memory: {first_line(error)}", "set CUTWORK_OFFLOAD=group or model, CUTWORK_QUANTIZE=float8, or CUTWORK_DTYPE=bfloat16")
    if isinstance(error, OSError | ValueError | KeyError):
        get = f"`{download(model)}` gets it" + (f" ({known.licence}: {known.terms}{'; accept it on ' + known.page + ' first' if known.gated else ''})" if known else "")
        local = Path(model).expanduser().exists()
        hint = "copy or download it again" if local else f"{get}, where the hub can be reached; else give a local folder or file. `--model mini` needs neither"
        return NotConfigured(f"cannot load model {model!r}: {first_line(error)}", hint=hint)
    return error


def first_line(error: Exception) -> str:
    """What an error says first, at most 300 characters."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
