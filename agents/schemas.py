"""What agents ask a language model for: one schema an agent, lenient where models are known to slip.

These are answers, not domain values: each agent normalises what is certain and has the rest asked again. Field
descriptions travel to the model inside the JSON schema.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationInfo, field_validator
from pydantic_core import CoreSchema

from cutwork.agents.calls import ARGS, Layer
from cutwork.domain import Form, Kind, Repeat

BOX: dict[str, Any] = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}  # what is asked for; anything is read


class Answer(BaseModel):
    """Base: extra keys from a model are dropped, not fatal."""

    model_config = ConfigDict(extra="ignore")


class LabelAnswer(Answer):
    """What is written on one subject of a meme."""

    subject: str = Field(default="", description="The subject's noun.")
    text: str = Field(default="", description="What is written on it.")


class ExtensionAnswer(Answer):
    """The brief as one fuller prompt, and what shall be made of the picture."""

    prompt: str = Field(description="One vivid sentence naming every subject with its attributes, the background and the style.")
    background: str = Field(default="", description="Only the background or setting, such as 'a teal striped background'. Empty if none is meant.")
    style: str = Field(default="", description="Only the look: medium, light, mood. Empty if none is meant.")
    palette: list[str] = Field(default_factory=list, description="Colour names or #rrggbb that the brief asks for as a whole.")
    kind: Literal["", *get_args(Kind)] = Field(default="", description="What is to be made, if the brief says so. Empty if it does not.")  # type: ignore[valid-type]
    captions: list[str] = Field(default_factory=list, description="Lettering of a meme, the top line first. Empty for all else.")
    labels: list[LabelAnswer] = Field(default_factory=list, description="Who is labelled in a meme, and how. Empty if nobody is.")
    repeat: Literal["", *get_args(Repeat)] = Field(default="", description="How a textile repeats, if the brief says so.")  # type: ignore[valid-type]

    # What is made of it may only add to what rules read, so it is never fatal: a kind that there is not counts as none, lettering that is no text too.
    @field_validator("kind", "repeat", mode="before")
    @classmethod
    def _known(cls, value: object, info: ValidationInfo) -> object:
        low = value.strip().lower() if isinstance(value, str) else ""
        return low if low in get_args(Kind if info.field_name == "kind" else Repeat) else ""

    @field_validator("captions", mode="before")
    @classmethod
    def _texts(cls, value: object) -> object:
        """Also {"top": …, "bottom": …} and one line by itself."""
        found = list(value.values()) if isinstance(value, dict) else [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [text for text in found if isinstance(text, str)]

    @field_validator("labels", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        """Also {"cat": "me"}."""
        if isinstance(value, dict):
            return [{"subject": whom, "text": text} for whom, text in value.items() if isinstance(text, str)]
        pairs = [pair for pair in value if isinstance(pair, (dict, LabelAnswer))] if isinstance(value, list) else []
        return [pair for pair in pairs if isinstance(pair, LabelAnswer) or all(isinstance(pair.get(key), str) for key in ("subject", "text"))]


class SubjectAnswer(Answer):
    """One kind of thing that must be visible."""

    phrase: str = Field(description="The subject with its own attributes and article, such as 'a grumpy cat'.")
    noun: str = Field(description="The bare noun or compound noun, singular: 'cat', 'fire hydrant'.")
    attributes: list[str] = Field(default_factory=list, description="Adjectives and colours bound to this subject.")
    count: int | None = Field(default=1, description="How many of it.")


class ExtractionAnswer(Answer):
    """Concrete, drawable subjects; abstract words, styles, media words and scenery are left out."""

    subjects: list[SubjectAnswer] = Field(default_factory=list)


class RegionAnswer(Answer):
    """Where one subject stands."""

    subject: str | None = Field(default=None, description="Id of the subject.")
    box: Any = Field(default=None, description="[x0, y0, x1, y1], each from 0 to 1, origin at the top left.", json_schema_extra=BOX)
    prompt: str | None = Field(default=None, description="What to draw inside the box: the subject's phrase and the background.")
    z: int | None = Field(default=None, description="Higher is nearer to the viewer.")


class LayoutAnswer(Answer):
    """One region for each counted subject."""

    regions: list[RegionAnswer] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list, description="What could not be laid out as asked, one plain sentence each. Empty if all could.")


class CriticIssue(Answer):
    """One thing wrong in the picture."""

    subject: str | None = Field(default=None, description="Id of the subject, or null for the whole picture.")
    kind: Literal["missing", "leaking", "misplaced", "fragmented", "cropped", "overlapping", "blended", "wrong", "caption"] = "wrong"
    detail: str = Field(default="", description="One plain sentence.")


class CriticAnswer(Answer):
    """A rubric over the numbered picture, 0 to 10 each."""

    alignment: float = Field(description="Does it show what the brief asked for?")
    quality: float = Field(description="Is it well drawn, whole and clean?")
    layout: float = Field(description="Do the subjects stand where planned, none blended into another?")
    issues: list[CriticIssue] = Field(default_factory=list)


def _one_of(names: tuple[str, ...]) -> dict[str, Any]:
    """What is asked for where there are names; anything is read."""
    return {"anyOf": [{"type": "string", "enum": list(names)}, {"type": "null"}]}


class CallAnswer(Answer):
    """One use of a tool. Only the fields that the tool has are looked at; only those are asked for."""

    tool: str = Field(default="", description="Name of the tool.")
    brief: str | None = None
    subject: str | None = Field(default=None, description="Id of a subject.")
    phrase: str | None = Field(default=None, description="All of a subject: 'a blue cat'.")
    where: str | None = Field(default=None, description="Such as 'top right', 'a bit left', 'above the cat'.")
    box: Any = Field(default=None, description="[x0, y0, x1, y1] from 0 to 1.", json_schema_extra={"anyOf": [BOX, {"type": "null"}]})
    z: str | None = Field(default=None, description="Nearer or farther.", json_schema_extra=_one_of(get_args(Layer)))
    region: int | None = None
    scale: float | None = None
    style: str | None = None
    background: str | None = None
    captions: list[str] | None = None
    palette: list[str] | None = None
    words: str | None = None
    kind: str | None = Field(default=None, json_schema_extra=_one_of(get_args(Kind)))
    size: str | None = None
    seed: int | None = None
    steps: int | None = None
    turn: str | int | None = None
    what: str | None = None
    place: str | None = Field(default=None, description="Where what is taken stands: where it stands now, or where it stood then.", json_schema_extra=_one_of(("now", "then")))
    a: str | int | None = None
    b: str | int | None = None
    form: str | None = Field(default=None, json_schema_extra=_one_of(get_args(Form)))

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """One form a tool, with its own fields: a server that holds answers to a schema would else have every call give every field."""
        plain = handler(core_schema)
        whole = handler.resolve_ref_schema(plain)
        fields = whole.pop("properties")
        forms = [_form(name, fields) for name in ARGS]
        for key in ("title", "type", "required"):
            whole.pop(key, None)
        whole["anyOf"] = forms
        return plain


def _form(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of one tool's call; what the tool can do without may be null."""
    wanted = {key: info for key, info in ARGS[name].model_fields.items() if key in fields}  # type: ignore[index]
    given = {key: _without_null(fields[key]) if info.is_required() else fields[key] for key, info in wanted.items()}
    return {"type": "object", "title": name, "properties": {"tool": {"type": "string", "enum": [name]}, **given}, "required": ["tool", *given]}


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    forms = [form for form in field.get("anyOf", ()) if form != {"type": "null"}]
    if not forms:
        return field
    return {**{key: value for key, value in field.items() if key != "anyOf"}, **(forms[0] if len(forms) == 1 else {"anyOf": forms})}


class AssistantAnswer(Answer):
    """Tools to be used now, and what is said to the person."""

    calls: list[CallAnswer] = Field(default_factory=list)
    say: str = Field(default="", description="One or two plain sentences for the person. Empty while calls are still to be made.")
    unread: list[str] = Field(default_factory=list, description="Parts of what was said that could not be understood.")
