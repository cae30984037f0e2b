import { describe, expect, it } from "vitest";
import { captions, wish } from "../src/lib/finish";
import { inOrder, layers } from "../src/lib/layers";
import { heat } from "../src/lib/pixels";
import { pieces } from "../src/lib/prompt";
import { judged, verdicts } from "../src/lib/receipt";
import { ago, asked, cost, duration, said, suggestions } from "../src/lib/words";
import { fitted, zoomed } from "../src/lib/camera";
import type { Finish } from "../src/api/types";
import { design, turn } from "./make";

describe("words", () => {
  it("tell what a drag asked for", () => {
    expect(asked({ tool: "move", args: { subject: "grumpy-cat", box: [0, 0, 0.3, 0.4] } })).toBe("Move the grumpy cat to the upper left, 30 % wide, 40 % high");
    expect(asked({ tool: "lock", args: { subject: "cat" } })).toBe("Lock the cat");
    expect(said(turn("a", null, 1, { words: "", calls: [{ tool: "undo", args: {} }] }))).toBe("Undo");
    expect(said(turn("a", null, 1))).toBe("say a");
  });
  it("tell what it cost", () => {
    expect(cost({ drawn: 1, cut: 2, finished: 0, asked: 0, seconds: 12.34 })).toBe("drawn once · 2 cut out · 12 s");
    expect(cost({ drawn: 0, cut: 0, finished: 0, asked: 0, seconds: 0 })).toBe("nothing drawn");
    expect(duration(3.14)).toBe("3.1 s");
    expect(duration(125)).toBe("2 min 5 s");
  });
  it("tell how long ago", () => {
    const now = Date.parse("2026-01-02T12:00:00Z");
    expect(ago("2026-01-02T11:59:40Z", now)).toBe("just now");
    expect(ago("2026-01-02T09:00:00Z", now)).toBe("3 h ago");
    expect(ago("2026-01-01T11:00:00Z", now)).toBe("yesterday");
    expect(ago("nonsense", now)).toBe("");
  });
  it("suggest nothing about what is locked", () => {
    expect(suggestions(design())[0]).toBe("make the cat bigger");
    expect(suggestions(design(), ["cat"])[0]).toBe("make the dog bigger");
    expect(suggestions(null)).toEqual([]);
  });
  it("of a prompt name its subjects", () =>
    expect(pieces(design().plan!)).toEqual([
      { text: "a ", subject: null },
      { text: "grumpy cat", subject: "cat" },
      { text: " and ", subject: null },
      { text: "two dogs", subject: "dog" },
      { text: ", illustration", subject: null },
    ]));
});

describe("receipt", () => {
  it("tells what was measured, and of whom", () => {
    const [cat] = verdicts(design());
    expect(cat?.lines.map((line) => line.name)).toEqual(["Attention", "Inside", "Leakage", "Edge"]);
    expect(cat?.lines[2]?.words).toBe("40 % of its attention went to the place of the dog.");
    expect(cat?.lines[2]?.good).toBe(false);
    expect(cat?.findings).toEqual(["its edge is soft"]);
  });
  it("says where nothing was cut", () => {
    const one = design();
    const cutout = { ...one.cutouts[0]!, box: null, receipt: { ...one.cutouts[0]!.receipt, alpha: null } };
    expect(verdicts({ ...one, cutouts: [cutout] })[0]?.lines.find((line) => line.name === "Inside")?.words).toContain("nothing was cut out");
  });
  it("judges by the round that was delivered", () => {
    expect(judged(design())).toMatchObject({ title: "Accepted", words: "Score 0.90 of 1 after 2 tries." });
    expect(judged(design({ status: "best_effort" })).good).toBe(false);
    expect(judged(design({ rounds: [] })).title).toBe("Not judged");
  });
});

describe("layers", () => {
  it("are told by their region, also where some are missing", () => {
    const one = design();
    const [cat] = one.cutouts;
    const dog = { ...cat!, subject: "dog", receipt: { ...cat!.receipt, planned: [0.5, 0.5, 1, 1] as [number, number, number, number] } };
    expect(layers({ ...one, cutouts: [cat!, dog] }).map((layer) => layer.region)).toEqual([0, 2]);
    expect(inOrder({ ...one, cutouts: [dog, cat!] }).map((layer) => layer.region)).toEqual([0, 2]);
  });
});

describe("finishing", () => {
  const before = { kind: "cutout", palette: [], sticker: { preset: "plain" }, meme: { layout: "top-bottom", upper: true }, textile: { repeat: "half-drop", colours: null } } as unknown as Finish;
  it("wishes nothing where nothing changed", () => expect(wish(before, [], before, [])).toBeNull());
  it("wishes only what changed of the kind that is made", () =>
    expect(wish(before, [], { ...before, kind: "textile", textile: { ...before.textile, colours: 4 }, meme: { ...before.meme, upper: false } }, [])).toEqual({ kind: "textile", settings: { textile: { colours: 4 } } }));
  it("letters a meme, an empty first line meaning nothing on top", () =>
    expect(wish({ ...before, kind: "meme" }, ["A"], { ...before, kind: "meme" }, ["", "again", ""])).toEqual({ captions: ["", "again"] }));
  it("knows the lettering that is there", () => {
    const bands = [{ text: "TOP", box: [0, 0, 1, 0.2] as [number, number, number, number], subject: null }, { text: "me", box: [0, 0, 1, 1] as [number, number, number, number], subject: "cat" }];
    const one = design();
    expect(captions({ ...one, plan: { ...one.plan!, bands } })).toEqual(["TOP", "cat: me"]);
  });
});

describe("seeing", () => {
  it("fits the whole picture", () => {
    const camera = fitted(256, 256, { width: 1000, height: 600 });
    expect(camera.scale).toBeCloseTo((600 - 64) / 256);
    expect(camera.x).toBeCloseTo(500 - 128 * camera.scale);
  });
  it("zooms about a point that stays", () => {
    const before = { scale: 1, x: 10, y: 20 };
    const after = zoomed(before, 2, 110, 120);
    expect((110 - after.x) / after.scale).toBeCloseTo(110 - before.x);
    expect(zoomed(before, 1000, 0, 0).scale).toBe(12);
  });
  it("is hot where there is most", () => {
    expect(heat(0)).toEqual([0, 0, 4, 90]);
    expect(heat(1).slice(0, 3)).toEqual([252, 255, 164]);
    expect(heat(7)).toEqual(heat(1));
  });
});
