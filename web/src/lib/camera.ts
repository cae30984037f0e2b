// How the canvas is seen: picture point p stands at p × scale + (x, y).

export interface Camera {
  scale: number;
  x: number;
  y: number;
}

export const MARGIN = 32; // pixels around the picture when it fits
const LEAST = 0.25;
const MOST = 12;

/** The point of the picture that is seen at a point of the room, in picture pixels. */
export const under = (camera: Camera, x: number, y: number): [number, number] => [(x - camera.x) / camera.scale, (y - camera.y) / camera.scale];

/** The whole picture, in the middle. */
export function fitted(width: number, height: number, room: { width: number; height: number }): Camera {
  const margin = Math.min(MARGIN, room.width * 0.04);
  const scale = Math.max(0.01, Math.min((room.width - 2 * margin) / width, (room.height - 2 * margin) / height));
  return { scale, x: (room.width - width * scale) / 2, y: (room.height - height * scale) / 2 };
}

/** Nearer or farther, with the point under (x, y) staying there. */
export function zoomed(camera: Camera, factor: number, x: number, y: number): Camera {
  const scale = Math.min(MOST, Math.max(LEAST, camera.scale * factor));
  const by = scale / camera.scale;
  return { scale, x: x - (x - camera.x) * by, y: y - (y - camera.y) * by };
}

/** The middle between two fingers in the room, and how far they are apart. */
export interface Fingers {
  x: number;
  y: number;
  apart: number;
}

/** The first two of the touches; null where there are fewer. */
export function fingers([a, b]: readonly Pick<Touch, "clientX" | "clientY">[], room: { x: number; y: number }): Fingers | null {
  if (!a || !b) return null;
  return { x: (a.clientX + b.clientX) / 2 - room.x, y: (a.clientY + b.clientY) / 2 - room.y, apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) };
}

/** As it is seen when fingers went from one place to another: nearer by how much they went apart, and along with their middle. */
export function pinched(camera: Camera, from: Fingers, to: Fingers): Camera {
  const near = zoomed(camera, to.apart / Math.max(1, from.apart), from.x, from.y);
  return { ...near, x: near.x + to.x - from.x, y: near.y + to.y - from.y };
}
