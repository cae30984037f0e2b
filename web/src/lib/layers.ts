// Cut-outs and the regions they were cut for.
import type { Cutout, Design, Plan } from "../api/types";

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

/** Every region's number, the front one first. Of two at one height the later lies over the other. */
export const fromFront = ({ regions }: Plan): number[] => regions.map((_, index) => index).sort((a, b) => regions[b]!.z - regions[a]!.z || b - a);

export type Way = "forward" | "backward";

/** Whether a region has somebody before it, or behind it, to change places with. */
export function canGo(plan: Plan, region: number, way: Way): boolean {
  const order = fromFront(plan);
  return order.at(way === "forward" ? 0 : -1) !== region;
}

/** What a region is called: its subject's noun, with a number where several are called so. */
export function called(plan: Plan, region: number): string {
  const noun = (index: number) => plan.subjects.find((subject) => subject.id === plan.regions[index]?.subject)?.noun ?? plan.regions[index]?.subject ?? "";
  const alike = plan.regions.map((_, index) => index).filter((index) => noun(index) === noun(region));
  return alike.length > 1 ? `${noun(region)} ${alike.indexOf(region) + 1}` : noun(region);
}
