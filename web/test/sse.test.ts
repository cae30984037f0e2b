import { afterEach, describe, expect, it, vi } from "vitest";
import { follow } from "../src/api/sse";
import type { RunEvent } from "../src/api/types";

const stream = (text: string) => new Response(text, { headers: { "Content-Type": "text/event-stream" } });
const event = (id: number, kind: string) => `id: ${id}\nevent: ${kind}\ndata: {}\n\n`;

function answered(...answers: Response[]) {
  const asked: (string | null)[] = [];
  vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
    asked.push(new Headers(init.headers).get("Last-Event-ID"));
    return Promise.resolve(answers.shift()!);
  });
  return asked;
}

async function heard(): Promise<number[]> {
  const numbers: number[] = [];
  await follow("run", ({ id }: RunEvent) => numbers.push(id), new AbortController().signal);
  return numbers;
}

describe("a run's events", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("go on where the connection broke, each once", async () => {
    const asked = answered(stream(event(1, "status") + event(2, "node") + "id: 3\nevent: st"), stream(event(2, "node") + event(3, "step") + event(4, "done")));
    expect(await heard()).toEqual([1, 2, 3, 4]);
    expect(asked).toEqual([null, "2"]);
  });
  it("end where the service says that there is nothing more", async () => {
    const asked = answered(stream(event(1, "status")), new Response(null, { status: 204 }));
    expect(await heard()).toEqual([1]);
    expect(asked).toEqual([null, "1"]);
  });
  it("tell of the end alone where the rest is not kept any more", async () => {
    answered(stream(event(25, "forgotten") + event(26, "done")));
    expect(await heard()).toEqual([25, 26]);
  });
  it("cannot be had where the service refuses", async () => {
    answered(new Response(null, { status: 404 }));
    await expect(heard()).rejects.toMatchObject({ status: 404 });
  });
});
