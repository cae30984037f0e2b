import { describe, expect, it } from "vitest";
import service from "../../docs/openapi.json";
import { again, beganFrom, begun, closeness, CLOSEST, followOf, kept, LOOSEST, pasted, read, stays, USUAL, type Beginning } from "../src/lib/beginning";

const sha256 = "ab".repeat(32);
const apple: Beginning = { sha256, name: "apple.png", width: 90, height: 60, follow: 0.7 };
const file = (name: string) => new File(["x"], name, { type: "image/png" });

describe("how closely a picture is followed", () => {
  it("is in the service's own range, and its choice where nobody says", () => {
    const { anyOf, description } = service.components.schemas.DesignRequest.properties.follow;
    expect(anyOf[0]).toEqual({ type: "number", minimum: CLOSEST, maximum: LOOSEST });
    expect(description).toContain(`${USUAL} if left out`);
  });
  it("grows where the noise shrinks, and comes back from every step the same", () => {
    expect([closeness(LOOSEST), closeness(USUAL), closeness(CLOSEST)]).toEqual([5, 30, 90]);
    for (let percent = 5; percent <= 90; percent += 5) expect(closeness(followOf(percent))).toBe(percent);
    expect(followOf(35)).toBe(0.65);
    expect([followOf(0), followOf(100)]).toEqual([LOOSEST, CLOSEST]);
  });
  it("is said in words, from one end to the other", () => {
    expect([CLOSEST, 0.6, USUAL, 0.8, LOOSEST].map(stays)).toEqual(["It hardly changes.", "Most of it stays.", "Its large shapes and colours stay.", "A little of it stays.", "Hardly anything of it stays."]);
  });
});

describe("a picture to begin from", () => {
  it("is kept as text", () => expect(read(kept(apple))).toEqual(apple));
  it("is none where the text is none of ours", () => {
    const wrong = ["", "{", "null", "[]", "7", JSON.stringify({ ...apple, sha256: "../../login" }), JSON.stringify({ ...apple, width: "90" }), JSON.stringify({ ...apple, follow: null })];
    expect([null, ...wrong].map(read)).toEqual(Array(wrong.length + 1).fill(null));
    expect(kept(null)).toBeNull();
  });
  it("is followed within bounds, whatever was kept", () => expect(read(JSON.stringify({ ...apple, follow: 7 }))?.follow).toBe(LOOSEST));
});

describe("a paste", () => {
  it("gives its pictures, also where their names come along", () => {
    const two = [file("a.png"), file("b.png")];
    expect(pasted(two, "")).toEqual(two);
    expect(pasted(two, "b.png\r\na.png\n")).toEqual(two);
  });
  it("of text that brings a picture of itself is text", () => expect(pasted([file("image.png")], "Total\t7")).toEqual([]));
});

describe("a brief", () => {
  it("is words alone where nothing else was chosen", () => expect(begun("a frog", "auto", "", null)).toEqual({ words: "a frog" }));
  it("goes with what was chosen", () => {
    expect(begun("a frog", "auto", "", apple).calls).toEqual([{ tool: "design", args: { brief: "a frog", reference: sha256, follow: 0.7 } }]);
    expect(begun("a frog", "meme", "256x384", null).calls).toEqual([{ tool: "design", args: { brief: "a frog", kind: "meme", size: "256x384" } }]);
  });
  it("tells afterwards what it began from", () => {
    expect(beganFrom(begun("a frog", "auto", "", { ...apple, follow: 0.4 }).calls ?? [])).toEqual({ sha256, follow: 0.4 });
    expect(beganFrom([{ tool: "design", args: { brief: "a frog", reference: sha256 } }])?.follow).toBe(USUAL);
    expect(beganFrom([{ tool: "design", args: { brief: "a frog" } }, { tool: "lock", args: { subject: "frog" } }])).toBeNull();
  });
  it("is tried again with its picture, where words are read anew", () => {
    const { words = "", calls = [] } = begun("a frog", "auto", "", apple);
    expect(again({ words, calls })).toEqual({ words, calls });
    expect(again({ words: "make it bigger", calls: [{ tool: "resize", args: { subject: "frog", scale: 2 } }] })).toEqual({ words: "make it bigger" });
    expect(again({ words: "", calls: [{ tool: "undo", args: {} }] })).toEqual({ calls: [{ tool: "undo", args: {} }] });
  });
});
