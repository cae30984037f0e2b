"""Letters over the picture, each caption in the band that was kept free for it."""

from __future__ import annotations

from cutwork.domain import CaptionBand
from cutwork.tools.lettering.scene import Caption, Composition, Scene
from cutwork.tools.lettering.setting import Down, fit

MOST = 0.17  # of the shorter side; the largest size


def lay(scene: Scene) -> Composition:
    """Every caption in its band."""
    return Composition(scene.picture, scene.alphas, tuple(in_band(scene, number, band) for number, band in scene.bands))


def in_band(scene: Scene, number: int, band: CaptionBand) -> Caption:
    """One caption in its band: near the picture's edge, where the band is near one."""
    middle = band.box.centre[1]
    down: Down = "top" if middle < 0.4 else "bottom" if middle > 0.6 else "middle"
    return Caption(number, fit(band.text, scene.area(band.box), scene.style, round(scene.short * MOST), scene.least, down=down), band.subject)
