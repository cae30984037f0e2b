"""What a model is told at each step of a drawing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from cutwork.tools.attention.control import Control, Regions
from cutwork.tools.attention.record import Keywords, Readers
from cutwork.tools.families.base import Family, Text


@dataclass(frozen=True)
class Phase:
    """What the strong branch is told during a stretch of steps."""

    text: Text
    keywords: Keywords  # where each subject is named in it
    regions: Regions | None = None
    base_keywords: Keywords = ()  # the same in the base text, while regions act
    offset: int = 0  # where the plain prompt starts in the text
    weak: Text | None = None  # the same prompts as a weakened text encoder reads them
    readers: Readers = ()  # which of the text comes from each encoder, where there are several


@dataclass(frozen=True)
class Window:
    """A phase that acts from one share of the steps up to, but without, another."""

    start: float
    end: float
    phase: Phase

    def holds(self, step: int, steps: int) -> bool:
        """Whether it acts at step 0, 1, …; a window that is open at all holds one step at least."""
        first = round(self.start * steps)
        return first <= step < max(round(self.end * steps), first + 1 if self.end > self.start else 0)


@dataclass(frozen=True)
class Conditioning:
    """The plain prompt, the windows in which something else is told, and the empty prompt for guidance."""

    plain: Phase
    windows: tuple[Window, ...] = ()
    empty: Text | None = None

    def at(self, step: int, steps: int) -> Phase:
        """The phase of step 0, 1, …: that of the first window that holds it, else the plain one."""
        return next((w.phase for w in self.windows if w.holds(step, steps)), self.plain)


@dataclass(frozen=True)
class Step:
    """One step of a drawing: whom to ask, what to tell, and how far it is."""

    family: Family
    t: Tensor
    phase: Phase
    size: tuple[int, int]
    guidance: float  # embedded, where the family has one
    number: int  # from 0
    of: int

    @property
    def time(self) -> float:
        """1 = pure noise … 0 = picture."""
        return self.family.time(self.t)

    def alone(self, image: int) -> Step:
        """The same for one image of a batch, where each is told in its own way."""
        text = self.phase.text
        if len(text.sequence) == 1:
            return self
        return replace(self, phase=replace(self.phase, text=Text(text.sequence[image : image + 1], text.pooled[image : image + 1], text.lengths)))

    def before(self, share: float) -> bool:
        """Whether it comes before a share of all steps is done."""
        return self.number < round(share * self.of)

    def control(self, **more: Any) -> Control:
        """Regions and keywords of this step, with what else shall act."""
        phase = self.phase
        return Control(sum(phase.text.lengths), phase.keywords, phase.base_keywords, phase.readers, phase.regions, **more)

    def predict(self, latents: Tensor, control: Control, text: Text | None = None) -> Tensor:
        """The model's prediction under control, of the phase's text unless another is given."""
        return self.family.predict(latents, self.t, text or self.phase.text, self.size, self.guidance, control)

    def predict_beside(self, latents: Tensor, control: Control, empty: Text) -> tuple[Tensor, Tensor]:
        """The predictions of the phase's text under control, and of the empty prompt."""
        return self.family.predict_beside(latents, self.t, self.phase.text, empty, self.size, self.guidance, control)
