// Pictures made of pictures: heat maps in colour, outlines of masks, and a picture with some of its layers away.
import { path, type Point } from "./lasso";

const HEAT = [
  [0, 0, 4],
  [40, 11, 84],
  [101, 21, 110],
  [159, 42, 99],
  [212, 72, 66],
  [245, 125, 21],
  [250, 193, 39],
  [252, 255, 164],
] as const;

/** The colour of a heat from 0 to 1: red, green, blue, and how much it covers what is below. */
export function heat(value: number): [number, number, number, number] {
  const at = Math.min(1, Math.max(0, value)) * (HEAT.length - 1);
  const low = HEAT[Math.floor(at)] ?? HEAT[0];
  const high = HEAT[Math.ceil(at)] ?? HEAT[HEAT.length - 1]!;
  const part = at - Math.floor(at);
  const mix = (channel: 0 | 1 | 2) => Math.round(low[channel] + (high[channel] - low[channel]) * part);
  return [mix(0), mix(1), mix(2), Math.round(90 + 130 * Math.min(1, value * 1.2))];
}

function canvas(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const made = document.createElement("canvas");
  made.width = width;
  made.height = height;
  return [made, made.getContext("2d", { willReadFrequently: true })!];
}

/** A grey map as heat that one can see the picture through. */
export function heated(map: HTMLImageElement, side = 256): HTMLCanvasElement {
  const scale = side / Math.max(map.naturalWidth, map.naturalHeight, 1);
  const [made, pen] = canvas(Math.max(1, Math.round(map.naturalWidth * scale)), Math.max(1, Math.round(map.naturalHeight * scale)));
  pen.imageSmoothingQuality = "high";
  pen.drawImage(map, 0, 0, made.width, made.height);
  const pixels = pen.getImageData(0, 0, made.width, made.height);
  for (let i = 0; i < pixels.data.length; i += 4) pixels.data.set(heat(pixels.data[i]! / 255), i);
  pen.putImageData(pixels, 0, 0);
  return made;
}

const DASH = 10; // pixels of a dash, across and down

/** The border of a mask: white, with a dark line around, so that it shows on any picture. What was cut is a whole line, what is planned a dashed one. */
export function outlined(mask: HTMLImageElement, dashed = false, side = 768): HTMLCanvasElement {
  const scale = side / Math.max(mask.naturalWidth, mask.naturalHeight, 1);
  const [made, pen] = canvas(Math.round(mask.naturalWidth * scale), Math.round(mask.naturalHeight * scale));
  pen.filter = `blur(${(scale * 0.9).toFixed(1)}px)`; // a mask's pixels are larger than the line: no steps
  pen.drawImage(mask, 0, 0, made.width, made.height);
  const pixels = pen.getImageData(0, 0, made.width, made.height);
  const inside = new Uint8Array(made.width * made.height);
  for (let i = 0; i < inside.length; i++) inside[i] = pixels.data[i * 4]! > 127 ? 1 : 0;
  pixels.data.fill(0);
  for (let y = 0; y < made.height; y++)
    for (let x = 0; x < made.width; x++) {
      if (dashed && (Math.floor(x / DASH) + Math.floor(y / DASH)) % 2) continue;
      const near = border(inside, made.width, made.height, x, y, 2);
      const far = !near && border(inside, made.width, made.height, x, y, 4);
      if (near || far) pixels.data.set(near ? [255, 255, 255, 255] : [16, 20, 18, 150], (y * made.width + x) * 4);
    }
  pen.putImageData(pixels, 0, 0);
  return made;
}

/** Whether the other side of a mask's edge is within so many pixels, straight up, down, left or right. */
function border(inside: Uint8Array, width: number, height: number, x: number, y: number, reach: number): boolean {
  const here = inside[y * width + x];
  const other = (dx: number, dy: number) => {
    const [u, v] = [x + dx, y + dy];
    return u >= 0 && v >= 0 && u < width && v < height && inside[v * width + u] !== here;
  };
  return other(reach, 0) || other(-reach, 0) || other(0, reach) || other(0, -reach);
}

/** A closed line filled, white on black, as a PNG of that size. */
export function filled(line: readonly Point[], size: readonly [number, number]): Promise<Blob> {
  const [made, pen] = canvas(...size);
  pen.fillRect(0, 0, ...size);
  pen.fillStyle = "#fff";
  pen.fill(new Path2D(path(line, size, true)));
  return new Promise((done, failed) => made.toBlob((blob) => (blob ? done(blob) : failed(new Error("This browser could not make a picture of the area."))), "image/png"));
}

/** The picture with hidden subjects cut out of it, or without its background only the subjects that are shown. */
export function composed(picture: HTMLImageElement, layers: { image: HTMLImageElement; shown: boolean }[], background: boolean): HTMLCanvasElement {
  const [made, pen] = canvas(picture.naturalWidth, picture.naturalHeight);
  if (background) {
    pen.drawImage(picture, 0, 0);
    pen.globalCompositeOperation = "destination-out";
    for (const { image, shown } of layers) if (!shown) pen.drawImage(image, 0, 0, made.width, made.height);
  } else {
    for (const { image, shown } of layers) if (shown) pen.drawImage(image, 0, 0, made.width, made.height);
  }
  return made;
}
