// What was asked, what came of it and what it cost, as sentences.
import type { Call, Cost, Design, Turn } from "../api/types";
import { place } from "./boxes";
import { towards } from "./places";
import type { Box } from "../api/types";

const text = (value: unknown): string => (Array.isArray(value) ? value.map(text).join(", ") : typeof value === "string" || typeof value === "number" ? String(value) : "");

const LAYERS: Record<string, string> = { front: "to the front", back: "to the back", forward: "forward", backward: "backward" };

/** A request made without words, such as a drag, as a person would have said it. */
export function asked(call: Call): string {
  const args = call.args;
  const subject = text(args.subject).replaceAll("-", " ");
  const where = Array.isArray(args.box) ? place(args.box as unknown as Box) : text(args.where);
  const way = LAYERS[text(args.z)];
  switch (call.tool) {
    case "design":
      return text(args.brief);
    case "move":
      if (args.mask) return `Move the ${subject} into a free area${way ? ` and ${way}` : ""}`;
      if (!where && way) return `${/front|forward/.test(way) ? "Bring" : "Send"} the ${subject} ${way}`;
      return `Move the ${subject} ${Array.isArray(args.box) ? `to the ${where}` : towards(where)}${way ? ` and ${way}` : ""}`;
    case "resize":
      return Array.isArray(args.box) ? `Resize the ${subject}: ${where}` : `Resize the ${subject}`;
    case "change_subject":
      return `Make the ${subject} ${text(args.phrase)}`;
    case "add":
      return `Add ${text(args.phrase)}`;
    case "remove":
      return `Remove the ${subject}`;
    case "restyle":
      return `Restyle: ${[args.style, args.background].map(text).filter(Boolean).join(", ")}`;
    case "recaption":
      return `Captions: ${text(args.captions)}`;
    case "refinish":
      return text(args.words) || `Finish as ${text(args.kind) || "before"}, with other settings`;
    case "reseed":
      return subject ? `Draw the ${subject} again` : "Draw it again from another seed";
    case "lock":
      return `Lock the ${subject}`;
    case "unlock":
      return `Unlock the ${subject}`;
    case "take":
      return `Take the ${text(args.what)} from take ${text(args.turn)}`;
    default:
      return call.tool.replaceAll("_", " ").replace(/^./, (first) => first.toUpperCase());
  }
}

export const said = (turn: Pick<Turn, "words" | "calls">): string => turn.words || turn.calls.map(asked).join("; ");

/** What a turn cost, such as "drawn once, 2 cut out, 12 s". */
export function cost({ drawn, cut, finished, asked: questions, seconds }: Cost): string {
  const parts = [
    drawn && (drawn === 1 ? "drawn once" : `drawn ${drawn} times`),
    cut && `${cut} cut out`,
    finished && (finished === 1 ? "finished once" : `finished ${finished} times`),
    questions && (questions === 1 ? "1 question to the model" : `${questions} questions to the model`),
    seconds >= 0.05 && duration(seconds),
  ].filter(Boolean);
  return parts.length ? parts.join(" · ") : "nothing drawn";
}

export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** "just now", "5 min ago", "yesterday", then the date. */
export function ago(iso: string, now = Date.now()): string {
  const minutes = Math.floor((now - Date.parse(iso)) / 60_000);
  if (!Number.isFinite(minutes)) return "";
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  if (minutes < 48 * 60) return "yesterday";
  return new Date(iso).toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}

/** What one might say next about this design. */
export function suggestions(design: Design | null, locks: readonly string[] = []): string[] {
  const subjects = design?.plan?.subjects.filter((subject) => !locks.includes(subject.id)) ?? [];
  const [first, second] = subjects;
  const found: string[] = [];
  if (first) found.push(`make the ${first.noun} bigger`);
  if (second) found.push(`move the ${second.noun} to the top right`);
  if (design) found.push("what if the background were teal");
  if (design?.kind !== "textile" && first) found.push("make it a half-drop textile in 4 colours");
  else if (design?.kind === "textile") found.push("make it an ogee repeat");
  if (first) found.push(`make it a sticker`);
  return found;
}
