// What was measured of each subject, in plain words. Numbers are those of the receipt, never judged anew.
import type { Critique, Design, Plan } from "../api/types";
import { percent } from "./boxes";
import { layers } from "./layers";

export interface Line {
  name: string;
  share: number; // 0..1, as a bar
  words: string;
  good: boolean | null; // null: neither good nor bad
}

export interface Verdict {
  subject: string;
  region: number;
  title: string;
  lines: Line[];
  findings: string[];
}

const INSIDE = 0.8; // share of a cut in its region from which it is where it should be
const LEAKING = 0.25; // share of attention in another's region from which that is said
const CONTESTED = 0.15;

/** One entry a region that was cut, in the plan's order. */
export function verdicts(design: Design): Verdict[] {
  const plan = design.plan;
  const critique = delivered(design)?.critique;
  return layers(design).map(({ cutout, region }) => {
    const subject = plan?.subjects.find((one) => one.id === cutout.subject);
    const { receipt } = cutout;
    const { attended } = receipt;
    const lines: Line[] = [];
    if (attended.box) {
      const chance = attended.lift > 0 ? `, ${attended.lift.toFixed(1)} × what chance would give` : "";
      lines.push({ name: "Attention", share: attended.inside, words: `${percent(attended.inside)} of the attention to “${subject?.noun ?? cutout.subject}” lay in its place${chance}.`, good: attended.lift >= 1.2 });
    }
    if (receipt.alpha) {
      const pieces = receipt.fragments === 1 ? "in one piece" : `in ${receipt.fragments} pieces`;
      lines.push({ name: "Inside", share: receipt.contained, words: `${percent(receipt.contained)} of the cut-out lies in its place, ${pieces}.`, good: receipt.contained >= INSIDE });
    } else {
      lines.push({ name: "Inside", share: 0, words: "Nothing of it was found, so nothing was cut out.", good: false });
    }
    const leak = worst(attended.leakage);
    if (leak) lines.push({ name: "Leakage", share: leak.share, words: `${percent(leak.share)} of its attention went to the place of ${named(plan, leak.region)}.`, good: leak.share < LEAKING });
    const shared = worst(receipt.overlap);
    if (shared && shared.share > 0.005) lines.push({ name: "Overlap", share: shared.share, words: `${percent(shared.share)} of the cut-out is also claimed by ${named(plan, shared.region)}.`, good: shared.share < CONTESTED });
    if (receipt.alpha) lines.push({ name: "Edge", share: 1 - receipt.softness, words: `${percent(1 - receipt.softness)} of its edge follows an edge that can be seen.`, good: receipt.softness <= 0.3 });
    return { subject: cutout.subject, region, title: subject?.phrase ?? cutout.subject, lines, findings: findings(critique, cutout.subject, region) };
  });
}

export const delivered = (design: Design) => design.rounds.find((round) => round.number === design.best) ?? design.rounds.at(-1);

function findings(critique: Critique | undefined, subject: string, region: number): string[] {
  return (critique?.findings ?? []).filter((one) => (one.region === null ? one.subject === subject : one.region === region)).map((one) => one.detail);
}

function worst(shares: Record<string, number>): { region: number; share: number } | null {
  const found = Object.entries(shares).sort((a, b) => b[1] - a[1])[0];
  return found ? { region: Number(found[0]), share: found[1] } : null;
}

function named(plan: Plan | null, region: number): string {
  const subject = plan?.regions[region]?.subject;
  return subject ? `the ${plan?.subjects.find((one) => one.id === subject)?.noun ?? subject}` : `region ${region + 1}`;
}

/** The critic's word on the whole. */
export function judged(design: Design): { title: string; words: string; good: boolean } {
  const critique = delivered(design)?.critique;
  const rounds = design.rounds.length;
  const tries = rounds > 1 ? ` after ${rounds} tries` : "";
  if (!critique) return { title: "Not judged", words: "Nothing was drawn that could be measured.", good: false };
  const score = `Score ${critique.score.toFixed(2)} of 1${tries}.`;
  if (design.status === "accepted") return { title: "Accepted", words: score, good: true };
  return { title: "Best effort", words: `${score} The critic was not satisfied; this is the best of what was tried.`, good: false };
}
