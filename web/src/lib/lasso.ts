// A free-form area as a hand draws it: a line that is closed, its points in fractions of the picture.

export type Point = readonly [number, number];

export const STEP = 0.003; // of a side, from one point to the next
export const LEAST = 0.002; // of the picture, that an area encloses
const LOOSE = 0.01; // how far a mask's proportions may be from the picture's

const clamp = (value: number) => Math.min(1, Math.max(0, value));

/** The line with one more point, kept on the picture; the same line where the point is hardly elsewhere. */
export function drawn(line: readonly Point[], [x, y]: Point): readonly Point[] {
  const next: Point = [clamp(x), clamp(y)];
  const last = line.at(-1);
  return last && Math.hypot(next[0] - last[0], next[1] - last[1]) < STEP ? line : [...line, next];
}

/** Share of the picture that a line encloses when it is closed. */
export function enclosed(line: readonly Point[]): number {
  const twice = line.reduce((sum, [x0, y0], index) => {
    const [x1, y1] = line[(index + 1) % line.length]!;
    return sum + x0 * y1 - x1 * y0;
  }, 0);
  return Math.abs(twice) / 2;
}

/** The line as an SVG path, on a picture of that size. */
export function path(line: readonly Point[], [width, height]: readonly [number, number], closed: boolean): string {
  return line.length ? `M${line.map(([x, y]) => `${(x * width).toFixed(2)} ${(y * height).toFixed(2)}`).join("L")}${closed ? "Z" : ""}` : "";
}

/** Whether a mask has the proportions of a picture. */
export const proportioned = ([w, h]: readonly [number, number], [width, height]: readonly [number, number]): boolean =>
  Math.abs(w * height - h * width) <= Math.max(w, h) * LOOSE * Math.max(width, height);
