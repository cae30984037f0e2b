import { describe, expect, it } from "vitest";
import { drawn, enclosed, path, proportioned, type Point } from "../src/lib/lasso";
import { called, canGo, fromFront } from "../src/lib/layers";
import { ON_PICTURE, byOthers, towards } from "../src/lib/places";
import { asked } from "../src/lib/words";
import { fitted, under } from "../src/lib/camera";
import type { Plan } from "../src/api/types";
import { design } from "./make";

const SQUARE: Point[] = [[0.2, 0.2], [0.6, 0.2], [0.6, 0.6], [0.2, 0.6]]; // prettier-ignore
const PLAN = design().plan as Plan; // a cat at z 1, dogs at z 0 and 2

describe("a line drawn by hand", () => {
  it("goes on where the pointer went, and only there", () => {
    const line = drawn(drawn([], [0.5, 0.5]), [0.6, 0.5]);
    expect(line).toEqual([[0.5, 0.5], [0.6, 0.5]]); // prettier-ignore
    expect(drawn(line, [0.6005, 0.5])).toBe(line);
  });
  it("stays on the picture", () => expect(drawn([], [-2, 1.7])).toEqual([[0, 1]]));
  it("encloses what it goes around, either way round", () => {
    expect(enclosed(SQUARE)).toBeCloseTo(0.16);
    expect(enclosed([...SQUARE].reverse())).toBeCloseTo(0.16);
    expect(enclosed([])).toBe(0);
    expect(enclosed([[0.5, 0.5]])).toBe(0);
  });
  it("is a path on the picture", () => {
    expect(path(SQUARE.slice(0, 2), [100, 50], false)).toBe("M20.00 10.00L60.00 10.00");
    expect(path(SQUARE, [10, 10], true).endsWith("L2.00 6.00Z")).toBe(true);
    expect(path([], [10, 10], true)).toBe("");
  });
  it("starts where the pointer is, however the picture is seen", () => {
    const camera = fitted(256, 256, { width: 600, height: 400 });
    expect(under(camera, camera.x + 128 * camera.scale, camera.y)).toEqual([128, 0]);
  });
});

describe("a mask that is brought", () => {
  it("has the picture's proportions, at any size", () => {
    expect(proportioned([512, 512], [256, 256])).toBe(true);
    expect(proportioned([1023, 512], [512, 256])).toBe(true);
    expect(proportioned([512, 256], [256, 256])).toBe(false);
  });
});

describe("who lies over whom", () => {
  it("is told by z, and by the order of two alike", () => {
    expect(fromFront(PLAN)).toEqual([2, 0, 1]);
    expect(fromFront({ ...PLAN, regions: PLAN.regions.map((region) => ({ ...region, z: 0 })) })).toEqual([2, 1, 0]);
  });
  it("can be changed where there is somebody to change with", () => {
    expect([2, 0, 1].map((region) => canGo(PLAN, region, "forward"))).toEqual([false, true, true]);
    expect([2, 0, 1].map((region) => canGo(PLAN, region, "backward"))).toEqual([true, true, false]);
    expect(canGo({ ...PLAN, regions: PLAN.regions.slice(0, 1) }, 0, "forward")).toBe(false);
  });
  it("names each apart", () => expect([0, 1, 2].map((region) => called(PLAN, region))).toEqual(["cat", "dog 1", "dog 2"]));
});

describe("places in words", () => {
  it("are corners, sides, and by the others", () => {
    expect(ON_PICTURE[0]).toEqual({ where: "top left", name: "Top left" });
    expect(byOthers(PLAN, "cat").map((one) => one.name)).toEqual(["Left of the dog", "Right of the dog", "Above the dog", "Below the dog", "In front of the dog", "Behind the dog"]);
  });
  it("call somebody by the id where the noun is not enough", () => {
    const twins = { ...PLAN, subjects: [PLAN.subjects[0]!, { ...PLAN.subjects[0]!, id: "cat-2", phrase: "a black cat" }, PLAN.subjects[1]!] };
    expect(byOthers(twins, "dog").filter((one) => one.where.startsWith("left"))).toEqual([
      { where: "left of cat", name: "Left of a grumpy cat" },
      { where: "left of cat-2", name: "Left of a black cat" },
    ]);
  });
  it("are told as a person would say them", () => {
    expect(["top left", "centre", "left of the dog", "a bit left", "behind the dog"].map(towards)).toEqual(["to the top left", "to the centre", "left of the dog", "a bit left", "behind the dog"]);
    const move = (args: Record<string, unknown>) => asked({ tool: "move", args: { subject: "cat", ...args } });
    expect(move({ z: "forward" })).toBe("Bring the cat forward");
    expect(move({ z: "back" })).toBe("Send the cat to the back");
    expect(move({ where: "top left", z: "front" })).toBe("Move the cat to the top left and to the front");
    expect(move({ where: "above the dog" })).toBe("Move the cat above the dog");
    expect(move({ mask: "0".repeat(64) })).toBe("Move the cat into a free area");
    expect(asked({ tool: "change_subject", args: { subject: "cat", phrase: "a fox", mask: "0" } })).toBe("Make the cat a fox");
  });
});
