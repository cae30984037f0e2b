import { describe, expect, it } from "vitest";
import { fingers, fitted, pinched, zoomed, type Camera } from "../src/lib/camera";

const CAMERA: Camera = { scale: 2, x: 10, y: 20 };
const at = (camera: Camera, x: number, y: number) => [x * camera.scale + camera.x, y * camera.scale + camera.y];
const touches = (...points: [number, number][]) => points.map(([clientX, clientY]) => ({ clientX, clientY }));

describe("camera", () => {
  it("shows the whole picture in the middle", () => {
    const camera = fitted(200, 100, { width: 464, height: 464 });
    expect(at(camera, 100, 50)).toEqual([232, 232]);
    expect(camera.scale * 200).toBeLessThanOrEqual(464);
  });
  it("keeps the point under the pointer", () => {
    const camera = zoomed(CAMERA, 1.5, 110, 70);
    expect(at(camera, 50, 25)).toEqual(at(CAMERA, 50, 25));
    expect(camera.scale).toBe(3);
  });
  it("has bounds", () => {
    expect(zoomed(CAMERA, 1000, 0, 0).scale).toBe(12);
    expect(zoomed(CAMERA, 0, 0, 0).scale).toBe(0.25);
  });
  it("keeps the points under two fingers, wherever they go", () => {
    const room = { x: 5, y: 7 };
    const from = fingers(touches([105, 107], [205, 107]), room)!;
    expect(from).toEqual({ x: 150, y: 100, apart: 100 });
    const to = fingers(touches([155, 157], [355, 157]), room)!;
    const camera = pinched(CAMERA, from, to);
    expect(camera.scale).toBe(4);
    const under = (x: number, y: number) => [(x - room.x - CAMERA.x) / CAMERA.scale, (y - room.y - CAMERA.y) / CAMERA.scale] as const;
    expect(at(camera, ...under(105, 107))).toEqual([150, 150]);
    expect(at(camera, ...under(205, 107))).toEqual([350, 150]);
  });
  it("wants two fingers, and minds no finger on another", () => {
    expect(fingers(touches([1, 1]), { x: 0, y: 0 })).toBeNull();
    const same = fingers(touches([1, 1], [1, 1]), { x: 0, y: 0 })!;
    expect(pinched(CAMERA, same, same).scale).toBeGreaterThan(0);
    expect(Number.isFinite(pinched(CAMERA, same, { ...same, apart: 50 }).x)).toBe(true);
  });
});
