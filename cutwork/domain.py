"""The words everyone shares: what flows from a brief to a finished design.

All values are frozen and true on construction, refuse unknown keys, and travel as JSON. Boxes are fractions of the
canvas. Images, masks and records are named by content hash, never held. Checkpoints name these classes by import path:
a type that graph state holds is never moved or renamed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, field_validator, model_validator

MAX_BRIEF = 2_000  # characters
MAX_SUBJECTS = 12
MAX_COUNT = 12
MAX_REGIONS = 12  # that planners fill; more cannot be told apart on the canvases models draw well
MOST_REGIONS = 2 * MAX_REGIONS  # of any plan, also one made by hand: what is measured of more would not fit a checkpoint
CELL = 16  # pixels; one image token of FLUX and SD3 at 1/8 latents packed 2×2
MIN_SIDE, MAX_SIDE = 64, 2048  # pixels
MAX_SEED = 2**63 - 1
MAX_PALETTE = 32  # colours
FOLLOW = 0.7  # noise from which a reference is drawn on where nobody says: its large shapes and colours are seen yet, and so is what the words say


class Value(BaseModel):
    """Base of all domain types: frozen, closed, compared by content."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Fraction = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Score = Fraction
Name = Annotated[str, Field(min_length=1, max_length=200)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
RunId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]  # also a folder and a file name
SessionId = RunId
TurnId = RunId
SubjectId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]


def _stays_inside(name: str) -> str:
    if any(part in ("", ".", "..") for part in name.split("/")) or any(c in "\\:" or unicodedata.category(c) in ("Cc", "Cs") for c in name):
        raise ValueError(f"file name {name!r} is not a relative path such as cutouts/01-cat.png")
    return name


FileName = Annotated[Name, AfterValidator(_stays_inside)]  # relative, with "/", never out of its folder
Kind = Literal["cutout", "sticker", "meme", "textile"]
DesignStatus = Literal["accepted", "best_effort", "failed", "needs_approval", "running", "cancelled"]
DELIVERED: tuple[DesignStatus, ...] = ("accepted", "best_effort")  # nothing more happens to such a run
SaveForm = Literal["psd", "ora", "svg", "zip", "receipt"]  # what a design can be saved as for other programs
Form = Literal["run", SaveForm]  # what it can be exported as: all of the run, or so
Repeat = Literal["straight", "half-drop", "half-brick", "mirror", "hexagonal", "ogee", "tossed"]


class Box(RootModel[tuple[Fraction, Fraction, Fraction, Fraction]]):
    """A rectangle `[x0, y0, x1, y1]` in fractions of the canvas, origin top left, with area above zero.

    Raises:
        ValidationError: if a corner lies outside 0..1, is not finite, or the box is empty or inverted.
    """

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _has_area(self) -> Self:
        x0, y0, x1, y1 = self.root
        if not (x0 < x1 and y0 < y1):
            raise ValueError(f"box {list(self.root)} has no area, wanted x0 < x1 and y0 < y1")
        return self

    @classmethod
    def of(cls, x0: float, y0: float, x1: float, y1: float) -> Box:
        """The box with its corners clipped to the canvas; ValidationError if nothing of it is left."""
        a, b, c, d = (min(1.0, max(0.0, v)) for v in (x0, y0, x1, y1))
        return cls((a, b, c, d))

    @property
    def x0(self) -> float:
        return self.root[0]

    @property
    def y0(self) -> float:
        return self.root[1]

    @property
    def x1(self) -> float:
        return self.root[2]

    @property
    def y1(self) -> float:
        return self.root[3]

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def intersection(self, other: Box) -> float:
        """Shared area, as a fraction of the canvas."""
        w = min(self.x1, other.x1) - max(self.x0, other.x0)
        h = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, w) * max(0.0, h)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0..1."""
        shared = self.intersection(other)
        return shared / (self.area + other.area - shared)

    def pixels(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Integer pixel corners on a canvas of that size, at least one pixel each way."""
        x0, y0 = min(width - 1, round(self.x0 * width)), min(height - 1, round(self.y0 * height))
        return x0, y0, max(x0 + 1, round(self.x1 * width)), max(y0 + 1, round(self.y1 * height))


class Size(RootModel[tuple[int, int]]):
    """Canvas size `[width, height]` in pixels: multiples of 16 from 64 to 2048."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _fits_tokens(self) -> Self:
        for side in self.root:
            if not MIN_SIDE <= side <= MAX_SIDE or side % CELL:
                near = min(MAX_SIDE, max(MIN_SIDE, round(side / CELL) * CELL))
                raise ValueError(
                    f"size {self.width}x{self.height}: each side must be a multiple of {CELL} from {MIN_SIDE} to {MAX_SIDE}; nearest to {side} is {near}"
                )
        return self

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read "512x384".

        Raises:
            ValueError: if the text has another form or the size is not allowed.
        """
        match = re.fullmatch(r"\s*(\d{1,6})\s*[x×X]\s*(\d{1,6})\s*", text)
        if not match:
            raise ValueError(f"size {text!r} is not WIDTHxHEIGHT, such as 256x256")
        return cls((int(match[1]), int(match[2])))

    @property
    def width(self) -> int:
        return self.root[0]

    @property
    def height(self) -> int:
        return self.root[1]

    @property
    def grid(self) -> tuple[int, int]:
        """Token rows and columns."""
        return self.height // CELL, self.width // CELL

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


Follow = Annotated[float, Field(ge=0.1, le=0.95)]


class Brief(Value):
    """What a person asked for."""

    text: str
    kind: Kind | Literal["auto"] = "auto"  # auto: what its own words say, else cut-outs
    size: Size = Size((256, 256))
    seed: Seed | None = None
    captions: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=8)] = ()  # "" first: nothing on top
    palette: Annotated[tuple[Name, ...], Field(max_length=MAX_PALETTE)] = ()
    references: Annotated[tuple[Sha256, ...], Field(max_length=8)] = ()  # pictures that the drawing begins from; so far one
    follow: Follow | None = None  # noise (1 = all) from which the reference is drawn on: low = hardly changed; FOLLOW where there is one
    similar: Annotated[tuple[Name, ...], Field(max_length=66)] = ()  # pairs that look alike, "tiger,leopard"; none = found by their words
    wishes: dict[Literal["sticker", "meme", "textile"], dict[str, Any]] = {}  # settings of finished goods that go before what the words say

    @model_validator(mode="before")
    @classmethod
    def _followed(cls, given: Any) -> Any:
        """A brief with a reference says how far it is followed, whatever becomes of the default."""
        if isinstance(given, dict) and given.get("references") and given.get("follow") is None:
            return {**given, "follow": FOLLOW}
        return given

    @field_validator("wishes")
    @classmethod
    def _possible(cls, wishes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        FinishSettings.model_validate(wishes)
        return wishes

    @field_validator("captions")
    @classmethod
    def _saying(cls, captions: tuple[str, ...]) -> tuple[str, ...]:
        if captions and not any(text.strip() for text in captions):
            raise ValueError("the captions are empty; leave them out, or say what is to be written")
        return captions

    @field_validator("text")
    @classmethod
    def _readable(cls, text: str) -> str:
        cleaned = unicodedata.normalize("NFC", text).strip()
        if not cleaned:
            raise ValueError("the brief is empty; say what to draw, such as 'a grumpy cat and a rocket'")
        if len(cleaned) > MAX_BRIEF:
            raise ValueError(f"the brief has {len(cleaned):,} characters, at most {MAX_BRIEF:,} are allowed")
        bad = sorted({f"U+{ord(c):04X}" for c in cleaned if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t"})
        if bad:
            raise ValueError(f"the brief has control characters ({', '.join(bad[:5])}); remove them")
        if not any(unicodedata.category(c)[0] in "LNS" for c in cleaned):
            raise ValueError(f"the brief {cleaned[:40]!r} has no words; say what to draw")
        return re.sub(r"\s+", " ", cleaned)


class StickerSettings(Value):
    """How cut-outs become stickers. What is None is as the preset's platform advises."""

    preset: Literal["plain", "whatsapp", "telegram", "discord", "print"] = "plain"
    outline: Annotated[float, Field(ge=0.0, le=64.0)] | None = None  # width of the border, pixels of the finished file; in print millimetres
    colour: Name = "white"  # of the outline
    shadow: bool | None = None
    size_mm: Annotated[float, Field(gt=0.0, le=1_000.0)] = 50.0  # longer side in print
    title: Name = "Cutwork"  # of the pack


class MemeSettings(Value):
    """How lettering is set. Captions are those of the plan's bands."""

    layout: Literal["top-bottom", "bar", "labels", "panels"] = "top-bottom"
    font: Name = "anton"
    upper: bool = True  # capitals
    colour: Name = "white"
    stroke: Name = "black"


class TextileSettings(Value):
    """How cut-outs become a repeat."""

    repeat: Repeat = "half-drop"
    width_cm: Annotated[float, Field(gt=0.0, le=500.0)] = 16.0  # of one repeat, along its x axis
    dpi: Annotated[int, Field(ge=36, le=1_200)] = 150
    colours: Annotated[int, Field(ge=2, le=32)] | None = None  # spot colours, the ground among them; None = as drawn
    colourways: Annotated[int, Field(ge=0, le=12)] = 0  # besides the colours it is drawn in
    ground: Name | None = None  # colour behind the motifs; None = what the picture's background comes to
    motif_cm: Annotated[float, Field(gt=0.0, le=500.0)] | None = None  # longer side of a motif; None = what fills the repeat
    gap_mm: Annotated[float, Field(ge=0.0, le=500.0)] = 4.0  # least distance between motifs
    sheet_cm: tuple[Annotated[float, Field(gt=0.0, le=10_000.0)], Annotated[float, Field(gt=0.0, le=10_000.0)]] | None = None  # a whole sheet of it besides
    file: Literal["png", "tiff"] = "png"
    cmyk: bool = False


class FinishSettings(Value):
    """What is made of a finished drawing. Changing them draws nothing."""

    kind: Kind = "cutout"
    palette: Annotated[tuple[Name, ...], Field(max_length=MAX_PALETTE)] = ()  # colours to keep to, names or #rrggbb
    sticker: StickerSettings = StickerSettings()
    meme: MemeSettings = MemeSettings()
    textile: TextileSettings = TextileSettings()


class Expansion(Value):
    """The brief as a fuller prompt, with the look it implies, and what shall be made of the picture."""

    prompt: Annotated[str, Field(min_length=1, max_length=4_000)]
    background: Annotated[str, Field(max_length=400)] = ""
    style: Annotated[str, Field(max_length=400)] = ""
    palette: Annotated[tuple[Name, ...], Field(max_length=MAX_PALETTE)] = ()
    captions: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=8)] = ()  # lettering of a meme; "" first: nothing on top; "cat: me" is a label
    finish: FinishSettings = FinishSettings()


class Subject(Value):
    """One kind of thing to draw; a count of n means n regions."""

    id: SubjectId
    phrase: Name  # "a grumpy cat": the words that bind to it, as they stand in its region's prompt
    noun: Name  # "cat"
    attributes: tuple[Name, ...] = ()
    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 1
    resembles: tuple[str, ...] = ()


class Region(Value):
    """Where one subject stands. A higher z is nearer to the viewer."""

    subject: SubjectId
    box: Box
    prompt: Annotated[str, Field(min_length=1, max_length=1_000)]
    z: Annotated[int, Field(ge=0, le=1_000)] = 0
    strength: Annotated[float, Field(ge=0.0, le=4.0)] = 1.0  # how much its words count against what else its image tokens see
    mask: Sha256 | None = None  # free-form coverage instead of the box: a grey PNG of the canvas size, above 127 is inside


class CaptionBand(Value):
    """Lettering of a meme.

    Without `subject`, in layouts top-bottom and labels, `box` is a strip no subject may enter. With `subject` it labels that subject and has its
    regions' box. In bar and panels every caption is one band in order, with the whole canvas as its box, and keeps nobody out.
    """

    text: Annotated[str, Field(max_length=400)]
    box: Box
    subject: SubjectId | None = None  # whom it labels


class SelfCrossSettings(Value):
    """Self-Cross guidance (2411.18936): subjects that resemble each other stop blending.

    `form` "velocity" changes the prediction, by one gradient a step (the single pass of 2510.02315); "latents" changes the latents
    before each step, as in the paper. Constants of the latter are those of its code. `per` says what the cap bounds: the change of the
    prediction, which guidance then multiplies, or that of the guided step.
    """

    form: Literal["velocity", "latents"] = "velocity"
    scale: Annotated[float, Field(gt=0.0, le=10_000.0)] | None = None  # λ or η; none = what suits the family and the form
    until: Fraction = 0.5  # share of the steps
    blocks: tuple[Annotated[int, Field(ge=0)], ...] = ()  # whose attention is looked at; none = those the family proposes
    cap: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1  # an update's norm, as a share of that of what it changes
    per: Literal["prediction", "step"] | None = "prediction"  # of the velocity form; none = what suits the family
    normalised: bool = True  # maps of subjects sum to one before they are compared; False = not those of 16 × 16 and less, as in the paper's code
    recompute: bool = False  # hold no activations for the gradient: less memory, more time
    start_rounds: Annotated[int, Field(ge=0, le=20)] = 0  # of choosing the start noise, ten looks each
    start_more: Annotated[int, Field(ge=0, le=500)] = 0  # looks at the best of them, where none will do (50 in the paper's code)
    start_kl: Annotated[float, Field(gt=0.0, le=10.0)] | None = None  # largest divergence of start noise from a standard normal (0.001 there); none = any
    refine: tuple[Fraction, ...] | None = ()  # shares of the steps at which latents are updated until subjects are there and apart; none = the family's
    align: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0  # how much subjects shall stay, meanwhile, where they have been (0.1 there)


class ErgSettings(Value):
    """Entropy Rectifying Guidance (2504.13987): away from what the model draws with flattened attention, for the same prompt.

    `tau`, `alpha`, `gamma` and `iterations` as in its algorithm; `start` is κ. `text_tau` flattens the text encoder's attention too (C-ERG).
    """

    scale: Annotated[float, Field(ge=1.0, le=30.0)] | None = None  # w; none = what suits the family
    alone: bool = False  # in place of classifier-free guidance, as in the paper, not beside it
    start: Fraction = 0.4  # share of the steps
    tau: Fraction = 0.01
    alpha: float = 1.0
    gamma: float = 1.0
    iterations: Annotated[int, Field(ge=1, le=8)] = 1
    blocks: tuple[Annotated[int, Field(ge=0)], ...] = ()  # none = those the family proposes
    text_tau: Annotated[float, Field(ge=0.0, le=10.0)] | None = None
    text_layers: tuple[Annotated[int, Field(ge=0)], ...] = ()  # none = those the family proposes: 8 and 9 of T5's 24, 3 to 7 of CLIP's 12
    text_pooled: bool = False  # the pooled vector too is that of the weakened encoder


class ApgSettings(Value):
    """Adaptive projected guidance (2410.02416). Defaults as in diffusers' guider."""

    bound: Annotated[float, Field(gt=0.0)] = 15.0  # largest norm of the difference
    parallel: Fraction = 1.0  # η, share kept of what only makes the prediction stronger
    momentum: Annotated[float, Field(gt=-1.0, lt=1.0)] = 0.0  # of earlier differences; negative pushes away from them


class CadsSettings(Value):
    """Condition annealing (2310.17347): noise on the text that fades. Defaults are the paper's for best FID."""

    noise: Annotated[float, Field(ge=0.0, le=10.0)] = 0.1  # s
    start: Fraction = 0.9  # times, 1 = pure noise … 0 = picture: above this the text has all its noise,
    end: Fraction = 0.6  # below this none
    rescale: Fraction = 1.0  # ψ, share of the mean and deviation that are brought back to the text's own

    @model_validator(mode="after")
    def _falling(self) -> Self:
        if not self.end < self.start:
            raise ValueError(f"annealing runs from {self.start} to {self.end}, wanted start above end")
        return self


class LoraSettings(Value):
    """Weights that change the model's style or teach it a subject, everywhere in the picture."""

    path: Annotated[str, Field(min_length=1, max_length=1_000)]  # a .safetensors file, a folder or a hub id
    weight: Annotated[float, Field(ge=-4.0, le=4.0)] = 1.0


class HintSettings(Value):
    """A ControlNet and what it is shown: edges, depth, a pose."""

    path: Annotated[str, Field(min_length=1, max_length=1_000)]  # of the ControlNet: a diffusers folder or a hub id
    image: Sha256  # of the canvas size
    scale: Annotated[float, Field(ge=0.0, le=4.0)] = 0.7
    mode: Annotated[int, Field(ge=0, le=16)] | None = None  # of a union of ControlNets
    weights: tuple[Annotated[float, Field(ge=0.0, le=4.0)], ...] = ()  # heard so much in the background and in each region; none = everywhere alike


class RecordSettings(Value):
    """What is recorded of a drawing's attention. By default everything, which costs little.

    `maps` are "columns" of the softmax over words and picture, or of one over the words alone ("words").
    """

    maps: Literal["columns", "words"] = "columns"
    blocks: tuple[Annotated[int, Field(ge=0)], ...] = ()  # none = all
    heads: tuple[Annotated[int, Field(ge=0)], ...] = ()  # none = the mean of all
    start: Fraction = 0.0  # shares of the steps
    until: Fraction = 1.0
    store: bool = True  # every map, so that subjects can be cut again by another fusion; False = fused while they arrive
    itself: bool = False  # also how much the picture's tokens attend to each other, on a small grid, for cuts that snap to its pieces

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if not self.start < self.until:
            raise ValueError(f"recording runs from {self.start} to {self.until}, wanted start below until")
        return self


class DrawSettings(Value):
    """How the model is driven.

    Sources: `base_ratio` and `regional_until` are β and T of Regional Prompting (2411.02395, §3), T as a fraction of steps.
    `isolate` says which image tokens may not see each other while regions act: "all" that share no region (as published),
    those of different "regions", or "none"; `isolate_until` ends that before the regions' texts end, `soft` (0..1) lets what is kept apart
    count a little. Regions act in every `regional_every`-th double and single block; `official` is the published code's arithmetic, to
    the letter. Where regions `overlap`, image tokens belong to the "nearest" (the highest z) or to "all" of them. `pooled` is what the whole picture is
    modulated by: the "prompt", or the mean of the texts of all "regions", each by its area.
    """

    steps: Annotated[int, Field(ge=1, le=200)] = 24
    refine_from: Fraction = 0.0  # noise (1 = all) from which a picture first drawn small is finished at full size; 0 = full size all along
    guidance: Annotated[float, Field(ge=1.0, le=30.0)] = 3.0
    regional: bool = True
    base_ratio: Fraction = 0.1
    regional_from: Fraction = 0.0
    regional_until: Fraction = 0.7
    regional_every: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (1, 1)
    isolate: Literal["all", "regions", "none"] = "regions"
    isolate_until: Fraction = 1.0
    soft: Fraction = 0.0
    official: bool = False
    overlap: Literal["nearest", "all"] = "nearest"
    region_tokens: Annotated[int, Field(ge=1, le=512)] | None = None  # that texts of regions are padded to, if they are shorter; none = as the prompt is
    pooled: Literal["prompt", "regions"] = "prompt"
    apart: bool = False  # regions are laid out beside each other, not one in front of another, for models that draw badly what is partly hidden
    self_cross: SelfCrossSettings | None = None
    erg: ErgSettings | None = None
    apg: ApgSettings | None = None
    cads: CadsSettings | None = None
    loras: tuple[LoraSettings, ...] = ()
    hints: tuple[HintSettings, ...] = ()
    record: RecordSettings = RecordSettings()

    @property
    def techniques(self) -> tuple[str, ...]:
        """Names of what is on, in the order in which it acts within a step."""
        on = {"cads": self.cads, "regional": self.regional or None, "erg": self.erg, "record": True, "self_cross": self.self_cross, "apg": self.apg}
        return tuple(name for name, setting in on.items() if setting)


    def with_techniques(self, names: Iterable[str]) -> DrawSettings:
        """These settings with techniques switched on by name, each as `TECHNIQUES` has it.

        Raises:
            ValueError: if there is no technique of a name.
        """
        changed: dict[str, Any] = {}
        for name in names:
            if name not in TECHNIQUES:
                raise ValueError(f"there is no technique {name!r}: {', '.join(TECHNIQUES)}")
            changed |= TECHNIQUES[name]
        return self.model_copy(update=changed)


TECHNIQUES: dict[str, dict[str, Any]] = {
    "self-cross": {"self_cross": SelfCrossSettings(per=None)},
    "self-cross-latents": {"self_cross": SelfCrossSettings(form="latents", refine=None, align=0.1)},
    "self-cross-paper": {"self_cross": SelfCrossSettings(form="latents", refine=None, align=0.1, start_rounds=5, start_more=50, start_kl=1e-3)},
    "erg": {"erg": ErgSettings()},
    "erg-alone": {"erg": ErgSettings(alone=True)},
    "c-erg": {"erg": ErgSettings(text_tau=0.01)},
    "apg": {"apg": ApgSettings(parallel=0.0)},
    "cads": {"cads": CadsSettings()},
    "soft-regions": {"isolate": "all", "soft": 0.5},
    "published-regions": {"isolate": "all", "official": True, "base_ratio": 0.2, "regional_until": 0.4, "regional_every": (1, 2)},
    "short-regions": {"region_tokens": 64},
    "no-regions": {"regional": False},
}


class CutSettings(Value):
    """How subjects are cut out of the drawn image.

    Source: Entropy Fusion (2503.10697): weights by map entropy, 4-value map, GrabCut. Thresholds as in its nearest published code.
    "paper" stops there; "informed" lets regions compete and colours correct the 4-value map first.
    """

    fusion: Name = "entropy"
    method: Literal["informed", "paper"] = "informed"
    thresholds: tuple[Fraction, Fraction, Fraction] = (0.1, 0.3, 0.8)  # probable bg, probable fg, definite fg
    iterations: Annotated[int, Field(ge=1, le=50)] = 5
    longest: Annotated[int, Field(ge=64, le=MAX_SIDE)] = 512  # pixels of the long side that GrabCut works at, at most
    soft: bool = False  # matting instead of a binary edge: for hair, smoke, glass
    snap: Literal["none", "spread", "segments"] = "none"  # keyword maps spread along the picture's attention to itself, or evened within its pieces
    band: Annotated[float, Field(gt=0.0, le=0.2)] = 0.012  # of the long side: half the width of the edge that matting is free to change

    @field_validator("thresholds")
    @classmethod
    def _rising(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        if not value[0] < value[1] < value[2]:
            raise ValueError(f"thresholds {value} must rise")
        return value


class Plan(Value):
    """What to draw and where: everything the drawing needs besides a seed."""

    prompt: Annotated[str, Field(min_length=1, max_length=4_000)]
    background: Annotated[str, Field(min_length=1, max_length=1_000)]
    subjects: Annotated[tuple[Subject, ...], Field(max_length=MAX_SUBJECTS)] = ()
    regions: tuple[Region, ...] = ()
    similar: tuple[tuple[str, str], ...] = ()
    bands: tuple[CaptionBand, ...] = ()
    size: Size = Size((256, 256))
    draw: DrawSettings = DrawSettings()
    cut: CutSettings = CutSettings()
    finish: FinishSettings = FinishSettings()
    notes: tuple[str, ...] = ()  # what the planner could not do as asked, in plain words

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.regions) > MOST_REGIONS:
            raise ValueError(f"the plan has {len(self.regions)} regions, at most {MOST_REGIONS} are possible; draw fewer subjects or lower their counts")
        known = [s.id for s in self.subjects]
        if len(set(known)) != len(known):
            raise ValueError(f"subject ids repeat: {known}")
        for region in self.regions:
            if region.subject not in known:
                raise ValueError(f"region names subject {region.subject!r}, the plan has {known}")
        for subject in self.subjects:
            have = sum(r.subject == subject.id for r in self.regions)
            if have != subject.count:
                raise ValueError(f"subject {subject.id!r} has count {subject.count} but {have} regions")
        for pair in self.similar:
            if pair[0] == pair[1] or not set(pair) <= set(known):
                raise ValueError(f"similar pair {pair} is not two different subjects of {known}")
        return self

    def subject(self, id: str) -> Subject:
        """The subject of that id; KeyError if there is none."""
        for subject in self.subjects:
            if subject.id == id:
                return subject
        raise KeyError(id)

    def depth(self, number: int) -> tuple[int, int]:
        """How near a region is, to be compared with others': the higher z is nearer, of equals the later one."""
        return self.regions[number].z, number

    def ranks(self) -> list[int]:
        """For each region, how many are farther than it."""
        depths = [self.depth(number) for number in range(len(self.regions))]
        return [sum(other < depth for other in depths) for depth in depths]


class Keep(Value):
    """What must stay when a part of a picture is drawn anew."""

    image: Sha256  # what the drawing starts from: outside the area the picture before, a PNG of the canvas size
    area: Sha256  # a grey PNG of the canvas size: above 127 may change, the more the higher: 255 is drawn from nothing, 128 is as `image` has it
    behind: bool = False  # what stays are subjects, and what is drawn lies behind them


class Terms(Value):
    """What a run was started with. A resumption goes by these, whatever the settings of the day say."""

    model: Name
    llm: Name
    rounds: Annotated[int, Field(ge=1, le=100)] = 4
    time_budget_s: Annotated[float, Field(gt=0)] = 600.0
    approve: bool = False  # a person sees the plan before it is drawn
    interactive: bool = False  # a person is there to be asked
    early_verdict: bool = True
    redraw: bool = False  # the plan and the seed were given: draw them, plan nothing
    keep: Keep | None = None  # what of the picture before stays, where a redrawing keeps something
    draw: DrawSettings = DrawSettings()
    cut: CutSettings = CutSettings()


class Shot(Value):
    """One plan and one seed: what a tool needs to draw, nothing else."""

    plan: Plan
    seed: Seed
    keep: Keep | None = None  # None = every pixel is drawn


class Attended(Value):
    """Where one region's keyword was looked for while drawing (share of its attention map, 0..1)."""

    box: Box | None = None  # where the map exceeds half its maximum
    inside: Score = 0.0  # share of the map's mass inside the planned region
    lift: Annotated[float, Field(ge=0.0)] = 0.0  # inside / the region's share of the canvas; 1 = no preference at all
    leakage: dict[str, Score] = {}  # share inside each other region, by region number


class Render(Value):
    """A drawn image and the record of what the model attended to while drawing it."""

    image: Sha256
    record: Sha256
    seed: Seed
    model: Name
    steps: int  # steps done
    stopped_early: bool = False
    attended: tuple[Attended, ...] = ()  # one per region
    notes: tuple[str, ...] = ()
    unknown: tuple[SubjectId, ...] = ()  # subjects that the model has not learned, nor anything near: what stands there is something else
    seconds: float = 0.0


class Receipt(Value):
    """Measured, not asserted: plan, attention and alpha of one region held against each other."""

    planned: Box  # of the region, or tight around its free mask
    attended: Attended
    alpha: Box | None = None  # tight box of the cut-out; None = nothing was cut
    iou: Score = 0.0  # planned box with alpha box
    contained: Score = 0.0  # share of alpha inside the planned region
    fill: Score = 0.0  # alpha area / planned region's area, capped at 1
    coverage: Score = 0.0  # alpha area / canvas
    fragments: Annotated[int, Field(ge=0)] = 0  # connected pieces
    border: Score = 0.0  # share of the canvas border the alpha touches
    softness: Score = 0.0  # share of the boundary zone where the cut is unsure
    overlap: dict[str, Score] = {}  # share of this alpha also claimed by each other region, by region number


class Cutout(Value):
    """One region's subject on its own transparent layer."""

    subject: SubjectId
    region: Annotated[int, Field(ge=0)]
    image: Sha256  # RGBA, whole canvas
    mask: Sha256  # 8-bit grey, whole canvas
    box: Box | None
    receipt: Receipt


class Finding(Value):
    """One thing the critic saw."""

    subject: str | None
    region: int | None = None
    kind: Literal["missing", "leaking", "misplaced", "fragmented", "cropped", "overlapping", "blended", "soft", "tiny", "wrong", "caption", "unknown"]
    detail: str
    severity: Score


class Recut(Value):
    """Cut again from the same record with other fusion or thresholds."""

    kind: Literal["recut"] = "recut"
    cut: CutSettings


class Rematte(Value):
    """Cut again with a soft edge."""

    kind: Literal["rematte"] = "rematte"
    soft: bool = True


class Reguide(Value):
    """Draw again, same seed, with stronger or other guidance."""

    kind: Literal["reguide"] = "reguide"
    draw: DrawSettings


class Move(Value):
    """Draw again with one region elsewhere."""

    kind: Literal["move"] = "move"
    region: Annotated[int, Field(ge=0)]
    box: Box


class Resize(Value):
    """Draw again with one region larger or smaller about its centre."""

    kind: Literal["resize"] = "resize"
    region: Annotated[int, Field(ge=0)]
    scale: Annotated[float, Field(gt=0.1, lt=10.0)]


class Reseed(Value):
    """Draw again from other noise."""

    kind: Literal["reseed"] = "reseed"
    seed: Seed


class Replan(Value):
    """Lay out again, telling the planner what went wrong."""

    kind: Literal["replan"] = "replan"
    reason: str


class Ask(Value):
    """Ask the person."""

    kind: Literal["ask"] = "ask"
    question: str


Repair = Annotated[Recut | Rematte | Reguide | Move | Resize | Reseed | Replan | Ask, Field(discriminator="kind")]
REPAIR_COST = ("recut", "rematte", "reguide", "move", "resize", "reseed", "replan", "ask")  # cheapest first


class Critique(Value):
    """The critic's verdict on one round."""

    score: Score
    scores: dict[str, Score] = {}  # by part: "geometry", "vision", and each region's number
    verdict: Literal["accept", "repair"]
    findings: tuple[Finding, ...] = ()
    repairs: tuple[Repair, ...] = ()  # proposed, cheapest first
    disagreement: bool = False  # geometry and vision halves differ


class Round(Value):
    """One turn of the loop: what was drawn, cut and said, and what was then changed."""

    number: Annotated[int, Field(ge=1)]
    shot: Shot
    render: Render
    cutouts: tuple[Cutout, ...]
    critique: Critique
    applied: Repair | None = None  # the repair that led to the next round
    approved: bool = False  # a person was asked and took it as it is

    @property
    def accepted(self) -> bool:
        """Whether the critic or a person was satisfied."""
        return self.approved or self.critique.verdict == "accept"


class Artifact(Value):
    """A finished file."""

    kind: Name
    sha256: Sha256
    media_type: Name
    name: FileName  # inside the output folder
    width: int | None = None
    height: int | None = None


class LlmCall(Value):
    """One question to the language model and what came of it; enough to replay it without the model."""

    agent: Name
    llm: Name
    prompt: str
    answer: str
    ok: bool
    attempts: int = 1
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


class Design(Value):
    """All of a run."""

    id: RunId
    status: DesignStatus
    brief: Brief
    seed: Seed
    model: Name
    llm: Name
    expansion: Expansion | None = None
    plan: Plan | None = None
    rounds: tuple[Round, ...] = ()
    best: int | None = None  # number of the round that was delivered
    artifacts: tuple[Artifact, ...] = ()
    timings: dict[str, float] = {}
    error: str | None = None
    created: str = ""
    terms: Terms | None = None  # None = not started here
    parent: RunId | None = None  # the run whose picture this one changes, or finishes in another way

    @property
    def goods(self) -> FinishSettings:
        """What is made of it: as planned, else as asked, else cut-outs."""
        plan = self.delivered.shot.plan if self.delivered else self.plan
        if plan is not None:
            return plan.finish
        return FinishSettings(kind="cutout" if self.brief.kind == "auto" else self.brief.kind)

    @property
    def kind(self) -> Kind:
        """The kind of goods that is made of it."""
        return self.goods.kind

    @property
    def delivered(self) -> Round | None:
        """The round whose image and cut-outs are the result."""
        return next((r for r in self.rounds if r.number == self.best), None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be done as asked, by the planner and by the model that drew, in plain words."""
        best = self.delivered
        planned = best.shot.plan if best else self.plan
        return (*(planned.notes if planned else ()), *(best.render.notes if best else ()))


Given = TypeVar("Given")
SURROGATE = re.compile(r"[\ud800-\udfff]")


def spelt(value: Given) -> Given:
    """A value of JSON as it is, if all of it can be kept: half a character and a number of any length are valid there, and neither databases nor files take them.

    Raises:
        ValueError: if a text has a lone surrogate, or a whole number more than 64 bits.
    """
    rest: list[Any] = [value]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            rest += [*one, *one.values()]
        elif isinstance(one, (list, tuple)):
            rest += one
        elif isinstance(one, str) and (found := SURROGATE.search(one)):
            raise ValueError(f"U+{ord(found[0]):04X} is half a character; send the whole of it, or leave it out")
        elif isinstance(one, int) and one.bit_length() >= 64:
            raise ValueError(f"a whole number of {one.bit_length()} bits cannot be kept, at most 63 are possible")
    return value


Json = Annotated[dict[str, Any], AfterValidator(spelt)]
ToolName = Literal[
    "design", "change_subject", "move", "resize", "add", "remove", "restyle", "recaption", "refinish", "reseed", "lock", "unlock",
    "undo", "redo", "branch", "take", "compare", "approve", "explain", "export",
]  # fmt: skip


class Call(Value):
    """One use of a tool in a turn of a session."""

    tool: ToolName
    args: Json = {}


class Cost(Value):
    """What a turn took."""

    drawn: Annotated[int, Field(ge=0)] = 0  # pictures
    cut: Annotated[int, Field(ge=0)] = 0  # subjects cut out
    finished: Annotated[int, Field(ge=0)] = 0  # sets of files
    asked: Annotated[int, Field(ge=0)] = 0  # questions to the language model
    seconds: Annotated[float, Field(ge=0.0)] = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(**{name: getattr(self, name) + getattr(other, name) for name in Cost.model_fields})


class Turn(Value):
    """What was said in a session, what was done about it, and what stands then. Turns make a tree: each has the one it went on from."""

    id: TurnId
    session: SessionId
    parent: TurnId | None = None
    number: Annotated[int, Field(ge=1)]  # in its session; people call it "take 3"
    words: Annotated[str, Field(max_length=MAX_BRIEF)] = ""
    calls: tuple[Call, ...] = ()
    reply: str = ""
    design: RunId | None = None  # the one that stands after this turn: its parent's, where it made none
    status: Literal["running", "done", "waiting", "failed", "cancelled"] = "running"
    locks: tuple[SubjectId, ...] = ()  # after this turn
    about: SubjectId | None = None  # whom "it" means after this turn
    area: Box | None = None  # tight around what was allowed to change; None = everything, or nothing was drawn
    frozen: Sha256 | None = None  # of the pixels outside the area, the same before and after
    changes: tuple[str, ...] = ()  # in plain words
    cost: Cost = Cost()
    question: Json | None = None  # while it waits: what is to be decided, as LangChain's middleware words it
    error: str | None = None
    created: str  # ISO 8601, UTC


class Session(Value):
    """A talk about designs."""

    id: SessionId
    title: Annotated[str, Field(max_length=200)] = ""
    created: str
    updated: str
    head: TurnId | None = None  # the turn that the next one goes on from; None = a fresh start
    approve: bool = False  # plans are shown before they are drawn
    owner: Name = "local"
