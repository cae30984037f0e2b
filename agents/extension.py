"""The Extension agent: a one-line brief becomes a fuller prompt, with the background and look it implies, and what shall be made of the picture.

What the brief's own words say of the goods is read by rule first and stands. The model is asked with the words that are left, and
may add where nothing was said: the kind, the lettering of a meme that came without, the repeat of a textile.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from cutwork.agents import goods as reading
from cutwork.agents.goods import Goods
from cutwork.agents.schemas import ExtensionAnswer
from cutwork.agents.words import question, tidy, tidy_all
from cutwork.domain import Brief, Expansion, Kind
from cutwork.ports import Llm

LONGEST, MOST = 200, 8  # characters of a caption, captions
UNSAID = "not said"
WANTED = {"": "", "top-bottom": "", "bar": ", one line in a bar", "labels": ", a label on each subject", "panels": ", panels"}


def extend(brief: Brief, llm: Llm) -> Expansion:
    """The brief as one prompt, and what is to be made of it. What the person said stands; the model may only add where nothing was said.

    Raises:
        BadInput: if the brief asks for goods that cannot be, such as 5,000 dpi.
        LlmFailed, NotConfigured, Refused: as the port says.
    """
    goods = reading.of(brief)
    palette = brief.palette or goods.palette
    variables = {"brief": goods.picture, "kind": wanted(goods), "captions": _listed(brief.captions or written(goods)), "palette": _listed(palette)}
    answer = llm.ask(question("extension", variables), ExtensionAnswer)
    kind: Kind = goods.kind or answer.kind or "cutout"
    if goods.kind is None and answer.kind:
        goods = reading.of(brief, kind)
    captions, layout = lettering(brief, goods, answer) if kind == "meme" else ((), "")
    more = {"layout": layout} if layout else {"repeat": answer.repeat} if kind == "textile" and answer.repeat else {}
    return Expansion(
        prompt=tidy(answer.prompt, 4_000) or goods.picture,
        background=tidy(answer.background, 400),
        style=tidy(answer.style, 400),
        palette=palette or tidy_all(answer.palette, 200, 16),
        captions=captions,
        finish=goods.finish(kind, brief.palette, **more),
    )


def wanted(goods: Goods) -> str:
    """The kind in words for the model, and for a meme what lettering it wants: "meme, panels 3"."""
    if goods.kind != "meme":
        return goods.kind or UNSAID
    if goods.silent:
        return "meme, no lettering"
    return f"meme{WANTED[goods.layout]}{f' {goods.panels}' if goods.panels else ''}"


def written(goods: Goods) -> tuple[str, ...]:
    """The lettering that was read, labels as "cat: me"."""
    return (*(f"{whom}: {text}" for whom, text in goods.labels), *goods.captions)


def lettering(brief: Brief, goods: Goods, answer: ExtensionAnswer) -> tuple[tuple[str, ...], str]:
    """The captions of a meme, and how they are laid out where that follows from them: the person's own, else those read, else those of the model."""
    given = brief.captions or written(goods)
    if given or goods.silent:
        return _fitting(given), ""
    if answer.labels and goods.layout in ("", "labels"):
        return _fitting([f"{label.subject}: {label.text}" for label in answer.labels if label.subject.strip() and label.text.strip()]), "labels"
    return _fitting(answer.captions[: goods.panels or (None if goods.layout == "panels" else 2)]), ""


def _fitting(captions: Sequence[str]) -> tuple[str, ...]:
    """As many and as long as can be set; nothing on top stays nothing, and nothing at all is none."""
    lines = [tidy(text, LONGEST) for text in captions[:MOST]]
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)


def _listed(values: tuple[str, ...]) -> str:
    return json.dumps(list(values), ensure_ascii=False)
