// How the canvas is seen: picture point p stands at p × scale + (x, y).

export interface Camera {
  scale: number;
  x: number;
  y: number;
}

export const MARGIN = 32; // pixels around the picture when it fits
const LEAST = 0.25;
const MOST = 12;

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

export const panned = (camera: Camera, dx: number, dy: number): Camera => ({ ...camera, x: camera.x + dx, y: camera.y + dy });
