// Values for tests, with what matters given and the rest as usual.
import type { Design, Run, Turn } from "../src/api/types";

export function turn(id: string, parent: string | null, number: number, more: Partial<Turn> = {}): Turn {
  return {
    id, parent, number, session: "s", words: `say ${id}`, calls: [], reply: "", design: `d-${id}`, status: "done", locks: [], about: null, area: null, frozen: null,
    changes: [], cost: { drawn: 0, cut: 0, finished: 0, asked: 0, seconds: 0 }, question: null, error: null, created: "2026-01-01T00:00:00Z", ...more,
  }; // prettier-ignore
}

export const run = (id: string, more: Partial<Run> = {}): Run =>
  ({ id, kind: "turn", status: "done", session: "s", turn: id, design: null, ahead: null, created: "", started: null, finished: null, error: null, ...more }) as Run;

export function design(more: Partial<Design> = {}): Design {
  const receipt = {
    planned: [0, 0.25, 0.5, 0.75], attended: { box: [0, 0.2, 0.5, 0.8], inside: 0.8, lift: 2, leakage: { "1": 0.4 } }, alpha: [0.1, 0.3, 0.4, 0.7],
    iou: 0.6, contained: 0.97, fill: 0.5, coverage: 0.1, fragments: 1, border: 0, softness: 0.1, overlap: {},
  }; // prettier-ignore
  return {
    id: "d", status: "accepted", brief: "a cat and a dog", kind: "cutout", size: [256, 256], seed: 7, model: "mini", llm: "offline", best: 2, notes: [], image: "/i",
    plan: {
      prompt: "a grumpy cat and two dogs, illustration", background: "plain", notes: [], size: [256, 256], bands: [],
      subjects: [
        { id: "cat", phrase: "a grumpy cat", noun: "cat", attributes: ["grumpy"], count: 1 },
        { id: "dog", phrase: "two dogs", noun: "dog", attributes: [], count: 2 },
      ],
      regions: [
        { subject: "cat", box: [0, 0.25, 0.5, 0.75], prompt: "a grumpy cat", z: 1 },
        { subject: "dog", box: [0.5, 0, 1, 0.5], prompt: "a dog", z: 0 },
        { subject: "dog", box: [0.5, 0.5, 1, 1], prompt: "a dog", z: 2 },
      ],
    },
    cutouts: [{ subject: "cat", image: "/c", mask: "/m", box: [0.1, 0.3, 0.4, 0.7], receipt }],
    rounds: [
      { number: 1, image: "/1", seconds: 1, repairs: [], critique: { score: 0.3, verdict: "repair", findings: [], disagreement: false } },
      { number: 2, image: "/2", seconds: 1, repairs: [], critique: { score: 0.9, verdict: "accept", findings: [{ subject: "cat", region: 0, kind: "soft", detail: "its edge is soft", severity: 0.1 }], disagreement: false } },
    ],
    artifacts: [],
    ...more,
  } as unknown as Design; // prettier-ignore
}
