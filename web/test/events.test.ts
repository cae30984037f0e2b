import { describe, expect, it } from "vitest";
import { reader } from "../src/api/sse";
import type { RunEvent } from "../src/api/types";
import { BEGUN, doing, ended, share, told, type Progress } from "../src/lib/events";
import { run, turn } from "./make";

const after = (...events: [string, object][]): Progress => events.reduce((now, [kind, data], index) => told(now, { id: index + 1, kind, data: data as RunEvent["data"] }), BEGUN);

describe("events", () => {
  it("tell how long one waits, then what is done", () => {
    expect(doing(after(["status", { status: "waiting", ahead: 2 }]))).toBe("Waiting: 2 ahead");
    expect(doing(after(["status", { status: "running" }]))).toBe("Thinking");
    expect(doing(after(["node", { node: "render", round: 2 }]))).toBe("Drawing, try 2");
    expect(doing(after(["node", { node: "something_new", round: 1 }]))).toBe("something new");
  });
  it("count steps within a node", () => {
    const now = after(["node", { node: "render", round: 1 }], ["step", { done: 12, total: 24 }], ["preview", { done: 12, image: "/p" }]);
    expect(now.step).toEqual({ done: 12, total: 24 });
    expect(now.preview).toBe("/p");
    expect(share(now)).toBeCloseTo(0.47);
    expect(told(now, { id: 4, kind: "node", data: { node: "cut", round: 1 } }).step).toBeNull();
  });
  it("know no share of what is not known", () => expect(share(BEGUN)).toBeNull());
  it("are taken in once", () => {
    const now = after(["note", { text: "one" }]);
    expect(told(now, { id: 1, kind: "note", data: { text: "one" } })).toBe(now);
    expect(now.notes).toEqual(["one"]);
  });
  it("end with the turn, the error and the run", () => {
    const now = after(["turn", turn("a", null, 1)], ["error", { detail: "no", status: 400 }], ["done", run("a", { status: "failed" })]);
    expect(now.turn?.id).toBe("a");
    expect(now.error?.detail).toBe("no");
    expect(ended(now.status)).toBe(true);
  });
  it("of a kind that is not known change nothing else", () => expect(after(["strange", {}])).toEqual({ ...BEGUN, last: 1 }));
});

describe("server-sent events", () => {
  const read = (...texts: string[]) => {
    const found: RunEvent[] = [];
    const take = reader((event) => found.push(event));
    texts.forEach(take);
    return found;
  };
  const ONE = 'id: 3\nevent: step\ndata: {"done":1}\n\n';
  it("come in any pieces", () => {
    for (let at = 0; at <= ONE.length; at++) expect(read(ONE.slice(0, at), ONE.slice(at))).toEqual([{ id: 3, kind: "step", data: { done: 1 } }]);
  });
  it("have comments and broken lines between them that are passed over", () => expect(read(": still here\n\n", "retry: 1000\n\n", "data: {\n\n", ONE)).toHaveLength(1));
  it("end lines as they like", () => expect(read(ONE.replaceAll("\n", "\r\n"))).toHaveLength(1));
});
