// Cut-outs and the regions they were cut for.
import type { Cutout, Design } from "../api/types";

export interface Layer {
  region: number;
  cutout: Cutout;
}

/** Cut-outs with their regions' numbers. They come in the regions' order, unless some were left out: then the planned box tells. */
export function layers(design: Design): Layer[] {
  const regions = design.plan?.regions ?? [];
  return design.cutouts.map((cutout, index) => {
    const fits = (at: number) => regions[at]?.subject === cutout.subject && String(regions[at].box) === String(cutout.receipt.planned);
    const region = fits(index) ? index : regions.findIndex((_, at) => fits(at));
    return { region: region < 0 ? index : region, cutout };
  });
}

/** From the back to the front. */
export function inOrder(design: Design): Layer[] {
  const depth = (region: number) => design.plan?.regions[region]?.z ?? 0;
  return layers(design).sort((a, b) => depth(a.region) - depth(b.region));
}
