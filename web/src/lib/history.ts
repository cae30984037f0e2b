// A session's turns are a tree; one of them is where it stands.
import type { Turn } from "../api/types";

export interface Placed {
  turn: Turn;
  row: number;
  lane: number; // column: the first child stays in its parent's
  parent: Placed | null;
  current: boolean; // on the way to where the session stands
}

/** Each turn with its place in the drawn tree, in the order of their numbers. */
export function tree(turns: readonly Turn[], head: string | null): Placed[] {
  const known = new Map<string, Placed>();
  const taken = new Set<string>(); // parents whose lane a child went on with
  const way = new Set(path(turns, head).map((turn) => turn.id));
  let lanes = 0;
  return [...turns]
    .sort((a, b) => a.number - b.number)
    .map((turn, row) => {
      const parent = (turn.parent && known.get(turn.parent)) || null;
      const above = parent?.turn.id ?? "";
      const lane = parent && !taken.has(above) ? parent.lane : parent || taken.has(above) ? ++lanes : 0;
      taken.add(above);
      const placed = { turn, row, lane, parent, current: way.has(turn.id) };
      known.set(turn.id, placed);
      return placed;
    });
}

/** The turns that led to one, the first first. */
export function path(turns: readonly Turn[], id: string | null): Turn[] {
  const known = new Map(turns.map((turn) => [turn.id, turn]));
  const way: Turn[] = [];
  for (let at = id ? known.get(id) : undefined; at && !way.includes(at); at = at.parent ? known.get(at.parent) : undefined) way.unshift(at);
  return way;
}

export const children = (turns: readonly Turn[], id: string | null): Turn[] =>
  turns.filter((turn) => turn.parent === id).sort((a, b) => a.number - b.number);

/** Where "undo" leads: undefined where there is nothing to undo, null back to the beginning. */
export function before(turns: readonly Turn[], head: string | null): string | null | undefined {
  const at = turns.find((turn) => turn.id === head);
  return at ? at.parent : undefined;
}

/** Where "redo" leads: the branch that was left last, else the newest. */
export function after(turns: readonly Turn[], head: string | null, left: string | null = null): string | undefined {
  const next = children(turns, head).filter((turn) => turn.status === "done");
  const way = new Set(path(turns, left).map((turn) => turn.id));
  return (next.find((turn) => way.has(turn.id)) ?? next.at(-1))?.id;
}

/** The nearest turn that has a design, going up from one. */
export function standing(turns: readonly Turn[], id: string | null): Turn | null {
  return path(turns, id).findLast((turn) => turn.design !== null) ?? null;
}
