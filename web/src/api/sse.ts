// A run's events, in order and each once: the connection may break, the page may be loaded anew. Read with fetch, so that what the service refuses is seen.
import type { RunEvent } from "./types";
import { overtaken, Problem, reachable, visits } from "./client";

const LONGEST = 5_000; // ms between tries

/** Reads server-sent events out of text that comes in any pieces. */
export function reader(on: (event: RunEvent) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    rest = (rest + text).replace(/\r\n?/g, "\n");
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parsed(block);
      if (event) on(event);
    }
  };
}

function parsed(block: string): RunEvent | null {
  let id = 0;
  let kind = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 1) continue; // a comment keeps the line open
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "id") id = Number(value);
    else if (field === "event") kind = value;
    else if (field === "data") data.push(value);
  }
  if (!data.length) return null;
  try {
    return { id, kind, data: JSON.parse(data.join("\n")) as RunEvent["data"] };
  } catch {
    return null;
  }
}

/** Follows a run until it is done or `signal` aborts. Raises Problem where the service refuses. */
export async function follow(run: string, on: (event: RunEvent) => void, signal: AbortSignal): Promise<void> {
  let last = 0;
  let done = false;
  let pause = 250;
  while (!done && !signal.aborted) {
    const visit = visits.get();
    try {
      const answer = await fetch(`/v1/runs/${run}/events`, {
        headers: { Accept: "text/event-stream", ...(last ? { "Last-Event-ID": String(last) } : {}) },
        cache: "no-store",
        signal,
      });
      if (answer.status === 401 && overtaken(visit)) continue;
      if (answer.status === 204) return; // it is over, and all of it was heard
      if (!answer.ok || !answer.body) throw new Problem({ title: "The run cannot be followed", status: answer.status });
      const read = reader((event) => {
        if (event.id && event.id <= last) return;
        last = event.id || last;
        pause = 250;
        done ||= event.kind === "done";
        on(event);
      });
      const decoder = new TextDecoder();
      for (const stream = answer.body.getReader(); ; ) {
        const { value, done: ended } = await stream.read();
        if (ended) break;
        read(decoder.decode(value, { stream: true }));
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.status < 500) throw error;
      reachable.set(false);
    }
    if (!done) await new Promise((resolve) => setTimeout(resolve, (pause = Math.min(LONGEST, pause * 2))));
  }
}
