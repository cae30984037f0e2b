import { describe, expect, it } from "vitest";
import { conversation, siblings } from "../src/lib/conversation";
import { after, before, path, standing, tree } from "../src/lib/history";
import { turn } from "./make";

//  a ─ b ─ c
//      └─ d ─ e        f begins again
const TURNS = [turn("a", null, 1), turn("b", "a", 2), turn("c", "b", 3), turn("d", "b", 4), turn("e", "d", 5), turn("f", null, 6)];
const ids = (turns: readonly { id: string }[]) => turns.map((one) => one.id).join("");

describe("history", () => {
  it("lays branches out in lanes of their own", () => {
    const placed = tree(TURNS, "e");
    expect(placed.map((one) => `${one.turn.id}${one.row}${one.lane}`)).toEqual(["a00", "b10", "c20", "d31", "e41", "f52"]);
    expect(placed.filter((one) => one.current).map((one) => one.turn.id)).toEqual(["a", "b", "d", "e"]);
    expect(placed[3]?.parent?.turn.id).toBe("b");
  });
  it("goes the way from the beginning", () => {
    expect(ids(path(TURNS, "e"))).toBe("abde");
    expect(path(TURNS, null)).toEqual([]);
    expect(path(TURNS, "gone")).toEqual([]);
  });
  it("does not go round in circles", () => expect(ids(path([turn("x", "y", 1), turn("y", "x", 2)], "x"))).toBe("yx"));
  it("undoes to the parent, and to the beginning", () => {
    expect(before(TURNS, "d")).toBe("b");
    expect(before(TURNS, "a")).toBeNull();
    expect(before(TURNS, null)).toBeUndefined();
  });
  it("redoes to the branch that was left, else to the newest", () => {
    expect(after(TURNS, "b")).toBe("d");
    expect(after(TURNS, "b", "c")).toBe("c");
    expect(after(TURNS, "a", "e")).toBe("b");
    expect(after(TURNS, null, "e")).toBe("a");
    expect(after(TURNS, "e")).toBeUndefined();
  });
  it("stands on the nearest turn that made something", () => {
    const turns = [turn("a", null, 1), turn("b", "a", 2, { design: null })];
    expect(standing(turns, "b")?.id).toBe("a");
    expect(standing([], null)).toBeNull();
  });
});

describe("conversation", () => {
  it("is the way to where the session stands", () => expect(ids(conversation(TURNS, "c"))).toBe("abc"));
  it("has what came to nothing beside the way", () => {
    const turns = [...TURNS.slice(0, 3), turn("x", "c", 4, { status: "failed", error: "no" }), turn("y", "gone", 5, { status: "failed" })];
    expect(ids(conversation(turns, "c"))).toBe("abcx");
  });
  it("knows the branches that begin where a turn does", () => {
    expect(ids(siblings(TURNS, TURNS[2]!))).toBe("cd");
    expect(ids(siblings(TURNS, TURNS[4]!))).toBe("e");
  });
});
