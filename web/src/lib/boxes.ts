// Boxes are [x0, y0, x1, y1] in fractions of the canvas, origin top left.
import type { Box } from "../api/types";

export const LEAST = 0.06; // of a side, smallest region
export const NUDGE = 0.02; // of a side, one press of an arrow key

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));
const tidy = (value: number) => Math.round(value * 10_000) / 10_000;

export const width = (box: Box) => box[2] - box[0];
export const height = (box: Box) => box[3] - box[1];

/** The box put elsewhere, as it is, kept on the canvas. */
export function moved(box: Box, dx: number, dy: number): Box {
  const x = clamp(box[0] + dx, 0, 1 - width(box));
  const y = clamp(box[1] + dy, 0, 1 - height(box));
  return [tidy(x), tidy(y), tidy(x + width(box)), tidy(y + height(box))];
}

/** The box with its lower right corner moved, never smaller than LEAST, kept on the canvas. */
export function resized(box: Box, dw: number, dh: number): Box {
  return [box[0], box[1], tidy(clamp(box[2] + dw, box[0] + LEAST, 1)), tidy(clamp(box[3] + dh, box[1] + LEAST, 1))];
}

/** A box out of any two corners: in order, on the canvas, of some size. */
export function boxOf(x0: number, y0: number, x1: number, y1: number): Box {
  const [left, right] = x0 < x1 ? [x0, x1] : [x1, x0];
  const [top, bottom] = y0 < y1 ? [y0, y1] : [y1, y0];
  const l = clamp(left, 0, 1 - LEAST);
  const t = clamp(top, 0, 1 - LEAST);
  return [tidy(l), tidy(t), tidy(clamp(right, l + LEAST, 1)), tidy(clamp(bottom, t + LEAST, 1))];
}

export function same(a: Box, b: Box, within = 0.004): boolean {
  return a.every((value, side) => Math.abs(value - (b[side] ?? 0)) <= within);
}

/** Whether the box has another size, not only another place. */
export function reshaped(before: Box, after: Box, within = 0.008): boolean {
  return Math.abs(width(before) - width(after)) > within || Math.abs(height(before) - height(after)) > within;
}

/** Where a box is, in words, such as "upper left, 30 % wide, 40 % high". */
export function place(box: Box): string {
  const side = third((box[0] + box[2]) / 2, ["left", "", "right"]);
  const level = third((box[1] + box[3]) / 2, ["upper", "", "lower"]);
  const where = side || level ? [level, side || "middle"].filter(Boolean).join(" ") : "middle";
  return `${where}, ${percent(width(box))} wide, ${percent(height(box))} high`;
}

const third = (at: number, names: readonly [string, string, string]) => (at < 0.4 ? names[0] : at > 0.6 ? names[2] : names[1]);

export const percent = (share: number) => `${Math.round(share * 100)} %`;
