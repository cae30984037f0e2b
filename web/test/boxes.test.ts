import { describe, expect, it } from "vitest";
import type { Box } from "../src/api/types";
import { LEAST, boxOf, moved, place, reshaped, resized, same } from "../src/lib/boxes";

const BOX: Box = [0.2, 0.3, 0.5, 0.7];

describe("boxes", () => {
  it("moves as it is", () => expect(moved(BOX, 0.1, -0.1)).toEqual([0.3, 0.2, 0.6, 0.6]));
  it("keeps its size at the border", () => {
    expect(moved(BOX, 9, 9)).toEqual([0.7, 0.6, 1, 1]);
    expect(moved(BOX, -9, -9)).toEqual([0, 0, 0.3, 0.4]);
  });
  it("resizes from its lower right corner, between the least size and the border", () => {
    expect(resized(BOX, 0.1, 0.1)).toEqual([0.2, 0.3, 0.6, 0.8]);
    expect(resized(BOX, 9, 9)).toEqual([0.2, 0.3, 1, 1]);
    expect(resized(BOX, -9, -9)).toEqual([0.2, 0.3, 0.2 + LEAST, 0.3 + LEAST]);
  });
  it("is made of corners in any order and never empty", () => {
    expect(boxOf(0.5, 0.7, 0.2, 0.3)).toEqual(BOX);
    expect(boxOf(1.5, 1.5, 1.2, 1.2)).toEqual([1 - LEAST, 1 - LEAST, 1, 1]);
    expect(boxOf(-1, -1, 2, 2)).toEqual([0, 0, 1, 1]);
  });
  it("tells a move from a resize", () => {
    expect(reshaped(BOX, moved(BOX, 0.2, 0))).toBe(false);
    expect(reshaped(BOX, resized(BOX, 0.02, 0))).toBe(true);
  });
  it("is the same within what one cannot see", () => {
    expect(same(BOX, moved(BOX, 0.003, 0))).toBe(true);
    expect(same(BOX, moved(BOX, 0.01, 0))).toBe(false);
  });
  it("says where it is", () => {
    expect(place([0, 0, 0.3, 0.4])).toBe("upper left, 30 % wide, 40 % high");
    expect(place([0.6, 0.3, 1, 0.7])).toBe("right, 40 % wide, 40 % high");
    expect(place([0.3, 0.6, 0.7, 1])).toBe("lower middle, 40 % wide, 40 % high");
    expect(place([0.25, 0.25, 0.75, 0.75])).toBe("middle, 50 % wide, 50 % high");
  });
});
