// A run's events become one picture of where it stands.
import type { Call, ProblemJson, Run, RunEvent, RunStatus, Turn } from "../api/types";

export interface Progress {
  status: RunStatus;
  ahead: number;
  node: string | null;
  round: number;
  step: { done: number; total: number } | null;
  preview: string | null;
  notes: readonly string[];
  calls: readonly Call[];
  reply: string;
  turn: Turn | null;
  error: ProblemJson | null;
  run: Run | null; // as it ended
  last: number; // number of the last event taken in
}

export const BEGUN: Progress = {
  status: "waiting",
  ahead: 0,
  node: null,
  round: 1,
  step: null,
  preview: null,
  notes: [],
  calls: [],
  reply: "",
  turn: null,
  error: null,
  run: null,
  last: 0,
};

/** What is known after an event; one that was taken in before changes nothing. */
export function told(now: Progress, event: RunEvent): Progress {
  if (event.id && event.id <= now.last) return now;
  return { ...now, ...change(now, event), last: event.id || now.last };
}

function change(now: Progress, { kind, data }: RunEvent): Partial<Progress> {
  switch (kind) {
    case "status":
      return { status: data.status as RunStatus, ahead: Number(data.ahead ?? 0) };
    case "node":
      return { node: String(data.node), round: Number(data.round ?? now.round), step: null, ...running(now) };
    case "step":
      return { step: { done: Number(data.done), total: Number(data.total) }, ...running(now) };
    case "preview":
      return { preview: String(data.image) };
    case "note":
      return { notes: [...now.notes, String(data.text)] };
    case "call":
      return { calls: [...now.calls, { tool: data.tool as Call["tool"], args: (data.args ?? {}) as Call["args"] }] };
    case "reply":
      return { reply: typeof data.text === "string" ? data.text : "" };
    case "turn":
      return { turn: (data.turn as Turn | undefined) ?? (data as unknown as Turn) };
    case "error":
      return { error: (data.problem as ProblemJson | undefined) ?? data };
    case "done": {
      const run = (data.run as Run | undefined) ?? (data as unknown as Run);
      return { run, status: run.status, error: run.error ?? now.error };
    }
    default:
      return {};
  }
}

const running = (now: Progress): Partial<Progress> => (now.status === "waiting" ? { status: "running" } : {});

const NODES: Record<string, string> = {
  extend: "Reading the brief",
  extract: "Naming the subjects",
  lay_out: "Laying them out",
  approve: "Waiting for you",
  render: "Drawing",
  cut: "Cutting the subjects out",
  critique: "Looking at it critically",
  repair: "Trying a repair",
  ask: "Waiting for you",
  finish: "Finishing",
};

/** What is being done, in plain words. */
export function doing(now: Progress): string {
  if (now.status === "waiting") return now.ahead > 0 ? `Waiting: ${now.ahead} ahead` : "Waiting for its turn";
  const words = now.node ? (NODES[now.node] ?? now.node.replaceAll("_", " ")) : "Thinking";
  return now.round > 1 && now.node === "render" ? `${words}, try ${now.round}` : words;
}

const SHARES: Record<string, [number, number]> = {
  extend: [0, 0.03],
  extract: [0.03, 0.06],
  lay_out: [0.06, 0.09],
  render: [0.09, 0.85],
  cut: [0.85, 0.92],
  critique: [0.92, 0.95],
  repair: [0.92, 0.95],
  finish: [0.95, 1],
};

/** The share that is done, 0..1, as far as one can tell; null where nothing is known. */
export function share(now: Progress): number | null {
  const span = now.node ? SHARES[now.node] : undefined;
  if (!span) return null;
  const within = now.step && now.step.total > 0 ? now.step.done / now.step.total : 0;
  return span[0] + (span[1] - span[0]) * within;
}

export const ended = (status: RunStatus): boolean => status === "done" || status === "failed" || status === "cancelled" || status === "needs_approval";
