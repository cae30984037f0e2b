"""The tools of a design session: what each is given, and what names in it mean.

A call is data until it is checked: `checked` makes of what a model, a page or a person wrote a call whose subjects are ids and whose turns are
ids, or says in plain words what is wrong with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from cutwork.agents.words import DETERMINERS, mentions, tidy
from cutwork.domain import MAX_BRIEF, Box, Call, Form, Kind, Plan, Seed, Sha256, Subject, ToolName
from cutwork.errors import BadInput
from cutwork.plurals import plural, singular

Layer = Literal["front", "back", "forward", "backward"]
Ref = str | int


def _saying(words: str) -> str:
    """Words with something in them: neither blank nor full stops alone.

    Raises:
        ValueError: if there is nothing.
    """
    if not bare(tidy(words, len(words))):
        raise ValueError("says nothing")
    return words


Text = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_saying)]
Phrase = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_saying)]
Where = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_saying)]
DRAWS = frozenset(["change_subject", "move", "resize", "add", "remove", "restyle", "reseed"])  # edits of the plan that is drawn
STANDS = DRAWS | {"recaption", "refinish", "take", "lock", "unlock", "explain", "approve", "export"}  # need a design that stands


class Args(BaseModel):
    """Base of a tool's arguments: what is not known is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DesignArgs(Args):
    """Start a new design from a brief; with a reference, a picture that was taken in, the drawing begins from that at so much noise (follow)."""

    brief: Annotated[str, Field(min_length=1, max_length=MAX_BRIEF), AfterValidator(_saying)]
    kind: Kind | None = None
    size: str | None = None
    seed: Seed | None = None
    reference: Sha256 | None = None
    follow: float | None = None


class ChangeSubjectArgs(Args):
    """Make one subject something else, or give it other attributes: phrase is all of it, "a blue cat". A mask is the area that it takes then."""

    subject: Text
    phrase: Phrase
    mask: Sha256 | None = None


class MoveArgs(Args):
    """Put a subject elsewhere: a box, words such as "top right", "a bit left", "above the cat", "behind the cat", or a mask, which is the area it shall take.

    And nearer or farther: z, to the "front" or "back" of all, or one step "forward" or "backward"; by itself or with a place.
    """

    subject: Text
    box: Box | None = None
    where: Where | None = None
    z: Layer | None = None
    mask: Sha256 | None = None
    region: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one(self) -> MoveArgs:
        places = sum(place is not None for place in (self.box, self.where, self.mask))
        if places > 1 or not (places or self.z):
            raise ValueError("wanted either box, where or mask, or z")
        return self


class ResizeArgs(Args):
    """Make a subject larger or smaller: a factor, or the box it shall fill."""

    subject: Text
    scale: Annotated[float, Field(ge=0.1, le=10.0)] | None = None
    box: Box | None = None
    region: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _one(self) -> ResizeArgs:
        if (self.box is None) == (self.scale is None):
            raise ValueError("wanted either scale or box")
        return self


class AddArgs(Args):
    """Add a subject: in a box, at a place in words, in the area of a mask, or wherever there is room."""

    phrase: Phrase
    box: Box | None = None
    where: Where | None = None
    mask: Sha256 | None = None


class SubjectArgs(Args):
    """One subject."""

    subject: Text


class RestyleArgs(Args):
    """Another background or another look of the whole picture."""

    style: Text | None = None
    background: Text | None = None

    @model_validator(mode="after")
    def _some(self) -> RestyleArgs:
        if self.style is None and self.background is None:
            raise ValueError("wanted style, background or both")
        return self


class RecaptionArgs(Args):
    """The lettering of a meme, the top line first; "" for none on top."""

    captions: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=8)]


class RefinishArgs(Args):
    """Other goods of the same drawing: words as a brief says them, "half-drop in 4 colours"."""

    words: Annotated[str, Field(max_length=400)] = ""
    kind: Kind | None = None
    captions: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=8)] | None = None
    palette: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=32)] | None = None
    settings: dict[Literal["sticker", "meme", "textile"], dict[str, Any]] | None = None


class ReseedArgs(Args):
    """Another try: of one subject, of the "background" behind them, or of everything."""

    subject: Text | None = None


class StepsArgs(Args):
    """How many takes."""

    steps: Annotated[int, Field(ge=1, le=1_000)] = 1


class TurnArgs(Args):
    """One take, by number or id."""

    turn: Ref


class TakeArgs(Args):
    """A subject, or "background", as it is in another take; a subject that stands in the picture stays in its place, unless it is to stand where it stood then."""

    what: Text
    turn: Ref
    place: Literal["now", "then"] | None = None


class CompareArgs(Args):
    """Two takes, by number or id."""

    a: Ref
    b: Ref


class NoArgs(Args):
    """Nothing."""


class ExplainArgs(Args):
    """About one subject, or the whole."""

    subject: Text | None = None


class ExportArgs(Args):
    """The form of the file."""

    form: Form

    @field_validator("form", mode="before")
    @classmethod
    def _named(cls, form: object) -> object:
        low = str(form).strip().lower().lstrip(".")
        return {"photoshop": "psd", "openraster": "ora", "krita": "ora", "vector": "svg", "bundle": "zip", "archive": "zip"}.get(low, low)


ARGS: dict[ToolName, type[Args]] = {
    "design": DesignArgs, "change_subject": ChangeSubjectArgs, "move": MoveArgs, "resize": ResizeArgs, "add": AddArgs, "remove": SubjectArgs,
    "restyle": RestyleArgs, "recaption": RecaptionArgs, "refinish": RefinishArgs, "reseed": ReseedArgs, "lock": SubjectArgs, "unlock": SubjectArgs,
    "undo": StepsArgs, "redo": StepsArgs, "branch": TurnArgs, "take": TakeArgs, "compare": CompareArgs, "approve": NoArgs, "explain": ExplainArgs,
    "export": ExportArgs,
}  # fmt: skip


@dataclass(frozen=True)
class Take:
    """A turn as one speaks of it."""

    number: int
    id: str
    words: str = ""
    design: str | None = None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standing:
    """How a session stands: what a sentence may be about.

    Args:
        plan: of the design that stands; None = there is none yet.
        takes: every turn that is done, in order.
        at: the number of the take that stands.
        last: the subject that was last spoken of, whom "it" means.
    """

    plan: Plan | None = None
    kind: str = "cutout"
    captions: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    takes: tuple[Take, ...] = ()
    at: int | None = None
    last: str | None = None

    def told(self) -> str:
        """As JSON, for whoever plans what to do."""
        plan = self.plan
        value: dict[str, Any] = {
            "subjects": [s.model_dump(mode="json", exclude={"resembles"}) for s in plan.subjects] if plan else None,
            "regions": [r.model_dump(mode="json", include={"subject", "box", "z"}) for r in plan.regions] if plan else None,
            "background": plan.background if plan else None,
            "kind": self.kind, "captions": self.captions, "locked": self.locks, "standing": self.at, "last": self.last,
            "takes": [{"number": t.number, "id": t.id, "words": t.words, "changes": t.changes} for t in self.takes[-40:]],
        }  # fmt: skip
        return json.dumps(value, ensure_ascii=False)

    @classmethod
    def read(cls, text: str) -> Standing:
        """What `told` said, as far as a sentence may be about it."""
        value = json.loads(text)
        plan = None
        if value["subjects"] is not None:
            regions = [{**region, "prompt": "drawn"} for region in value["regions"]]
            plan = Plan.model_validate({"prompt": "drawn", "background": value["background"], "subjects": value["subjects"], "regions": regions})
        takes = tuple(Take(t["number"], t["id"], t["words"], None, tuple(t["changes"])) for t in value["takes"])
        return cls(plan, value["kind"], tuple(value["captions"]), tuple(value["locked"]), takes, value["standing"], value["last"])

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Whom there is."""
        return self.plan.subjects if self.plan else ()

    def subject(self, words: str) -> Subject:
        """Whom words mean.

        Raises:
            BadInput: if that is nobody, or it is not certain who.
        """
        found = meant(words, self.subjects, self.last)
        if len(found) == 1:
            return found[0]
        there = ", ".join(s.phrase for s in self.subjects) or "nothing"
        if found or (self.subjects and bare(words) in PRONOUNS):
            raise BadInput(f"{words!r} may be {' or '.join(s.phrase for s in found or self.subjects)}; say which")
        raise BadInput(f"there is no {bare(words)!r} in the picture; there is {there}")

    def turn(self, ref: Ref) -> Take:
        """Which take a number or an id means; "last" and "first" too.

        Raises:
            BadInput: if there is none.
        """
        text = re.sub(r"^(?:take|turn|version|number|no\.?|#)\s*", "", str(ref).strip().lower())
        number = {"first": 1, "last": self.takes[-1].number if self.takes else 0}.get(text)
        if number is None and re.fullmatch(r"\d{1,6}", text):
            number = int(text)
        for take in self.takes:
            if take.id == str(ref) or (number is not None and take.number == number):
                return take
        known = f"there are {', '.join(str(t.number) for t in self.takes[-12:])}" if self.takes else "there is none yet"
        raise BadInput(f"there is no take {text}; {known}")


TYPO = 0.82  # likeness of spelling from which a word is a noun misspelled
SYNONYMS: dict[str, tuple[str, ...]] = {
    "kitty": ("cat", "kitten"), "kitten": ("cat",), "puppy": ("dog",), "pup": ("dog",), "doggy": ("dog",), "doggie": ("dog",), "hound": ("dog",), "bunny": ("rabbit",),
    "hare": ("rabbit",), "bike": ("bicycle", "motorcycle"), "motorbike": ("motorcycle",), "plane": ("airplane",), "jet": ("airplane",), "aeroplane": ("airplane",),
    "spaceship": ("rocket", "ufo"), "spacecraft": ("rocket",), "auto": ("car",), "automobile": ("car",), "vehicle": ("car", "truck", "bus", "van"), "lorry": ("truck",), "ship": ("boat",),
    "pony": ("horse",), "chick": ("chicken",), "hen": ("chicken",), "birdie": ("bird",), "froggy": ("frog",), "teddy": ("teddy bear", "bear"), "guy": ("man",), "lady": ("woman",),
    "kid": ("child", "boy", "girl"), "cap": ("hat",), "home": ("house",), "phone": ("cell phone", "smartphone"), "bloom": ("flower",), "blossom": ("flower",),
}  # fmt: skip
GROUND = frozenset(["background", "back ground", "backdrop", "ground", "scenery", "setting"])
PRONOUNS = frozenset(["it", "him", "her", "them", "this", "that", "this one", "that one", "the thing", "the subject", "itself"])


def bare(words: str) -> str:
    """Words without what leads them: "the grumpy cat" → "grumpy cat"."""
    parts = words.strip(" .,!?").lower().split()
    while len(parts) > 1 and parts[0] in DETERMINERS:
        parts = parts[1:]
    return " ".join(parts)


def meant(words: str, subjects: Sequence[Subject], last: str | None = None) -> list[Subject]:
    """Whom words may mean: nobody, one, or several where they do not tell them apart."""
    said = bare(words)
    if said in PRONOUNS or words.strip().lower() in PRONOUNS:
        known = [s for s in subjects if s.id == last]
        return known or list(subjects[:1] if len(subjects) == 1 else ())
    by_id = [s for s in subjects if s.id == words.strip()]
    exact = by_id or [s for s in subjects if said in (s.noun.lower(), bare(s.phrase))]
    if exact:
        return exact
    named = [s for s in subjects if mentions(said, s.noun) or said in (plural(s.noun.lower()), s.noun.lower().split()[-1])]
    if len(named) > 1:
        told = [s for s in named if any(mentions(said, a) for a in s.attributes)]
        named = told or named
    if named:
        return named
    by_look = [s for s in subjects if any(re.fullmatch(rf"{re.escape(a.lower())}(?: (?:one|thing|subject))?", said) for a in s.attributes)]
    return by_look or ([s for s in subjects if _same(singular(said.split()[-1]), s.noun.lower())] if said else [])


def _same(word: str, noun: str) -> bool:
    """Whether a word is another name for a noun, or the noun misspelled."""
    names = SYNONYMS.get(word, ())
    return noun in names or noun.split()[-1] in names or (len(word) > 3 and SequenceMatcher(None, word, noun, autojunk=False).ratio() >= TYPO)


def checked(call: Call, there: Standing) -> Call:
    """A call with arguments of their types, subjects and turns named by id.

    Raises:
        BadInput: in plain words, if it cannot be so.
    """
    if call.tool in STANDS and there.plan is None:
        raise BadInput("there is no design yet; say what to draw, such as 'a grumpy cat and a rocket'")
    try:
        args = ARGS[call.tool].model_validate(call.args)
    except ValidationError as error:
        raise BadInput(f"{call.tool}: {'; '.join(_fault(call.tool, e) for e in error.errors()[:3])}") from None
    value = args.model_dump(mode="json", exclude_unset=True)
    ground = {name for name in ("what", "subject") if bare(value.get(name) or "") in GROUND}
    if "subject" in ground and call.tool == "reseed":
        value["subject"] = "background"
    elif value.get("subject") is not None:
        value["subject"] = there.subject(value["subject"]).id
    if "what" in ground:
        value["what"] = "background"
    for name in ("turn", "a", "b"):
        if name in value:
            value[name] = there.turn(value[name]).id
    return Call(tool=call.tool, args=value)


def _fault(tool: ToolName, error: Any) -> str:
    """One pydantic error as a clause."""
    place, message = ".".join(str(p) for p in error["loc"]), str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"there is no {place!r}, there are {', '.join(ARGS[tool].model_fields) or 'no arguments'}"
    if error["type"] == "missing":
        return f"{place!r} is missing"
    if error["type"] == "literal_error" and place == "form":
        return f"there is no form {str(error.get('input'))[:40]!r}, there are {', '.join(get_args(Form))}"
    return f"{place + ': ' if place else ''}{message[:1].lower()}{message[1:]}"
