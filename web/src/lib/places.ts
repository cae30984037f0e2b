// Places in words, as the `move` tool takes them.
import type { Plan } from "../api/types";

export interface Place {
  where: string;
  name: string;
}

export const ON_PICTURE: readonly Place[] = [
  "top left",
  "top edge",
  "top right",
  "left side",
  "centre",
  "right side",
  "bottom left",
  "bottom edge",
  "bottom right",
].map((where) => ({ where, name: capital(where) }));

const BY = ["left of", "right of", "above", "below", "in front of", "behind"];

/** Places by the other subjects of a plan. Who shares a noun with somebody is called by the id, which nobody shares. */
export function byOthers(plan: Plan, subject: string): Place[] {
  const alone = (noun: string) => plan.subjects.filter((one) => one.noun === noun).length === 1;
  return plan.subjects
    .filter((one) => one.id !== subject)
    .flatMap((one) => BY.map((by) => ({ where: `${by} ${alone(one.noun) ? `the ${one.noun}` : one.id}`, name: `${capital(by)} ${alone(one.noun) ? `the ${one.noun}` : one.phrase}` })));
}

const RELATED = /\b(?:of|above|below|behind|between|beside|over|under|beneath|near|by|next to|closer to|away from)\b|^(?:to|at|in|on|into|a|far|slightly)\b/i;

/** The end of a sentence that begins with "Move it": "to the top left", "left of the rocket". */
export const towards = (where: string): string => (RELATED.test(where) ? where : `to the ${where}`);

function capital(words: string): string {
  return words.replace(/^./, (first) => first.toUpperCase());
}
