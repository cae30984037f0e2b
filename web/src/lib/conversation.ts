// What of a session's tree is a conversation: the way to where it stands, and what was tried from there.
import type { Turn } from "../api/types";
import { path } from "./history";

const LOOSE = new Set(["failed", "cancelled", "running", "waiting"]);

/** The turns to show, in order: those on the way, and beside it those that came to nothing, run, or wait for an answer. */
export function conversation(turns: readonly Turn[], head: string | null): Turn[] {
  const way = path(turns, head);
  const on = new Set(way.map((turn) => turn.id));
  const beside = turns.filter((turn) => !on.has(turn.id) && LOOSE.has(turn.status) && (turn.parent === null ? true : on.has(turn.parent)));
  const from = way.at(-1)?.number ?? 0;
  const open = beside.filter((turn) => turn.status === "running" || turn.status === "waiting" || turn.number > from || turn.parent !== null);
  return [...way, ...open].sort((a, b) => a.number - b.number);
}

/** The other branches that begin where this turn does, itself among them. */
export function siblings(turns: readonly Turn[], turn: Turn): Turn[] {
  return turns.filter((other) => other.parent === turn.parent && (other.status === "done" || other.id === turn.id)).sort((a, b) => a.number - b.number);
}
