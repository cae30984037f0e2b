// A prompt with the words in it that name subjects.
import type { Plan } from "../api/types";

export interface Piece {
  text: string;
  subject: string | null;
}

/** The prompt in pieces; each subject is named once, by its phrase where that stands there, else by its noun. */
export function pieces(plan: Plan): Piece[] {
  let rest: Piece[] = [{ text: plan.prompt, subject: null }];
  for (const { id, phrase, noun } of [...plan.subjects].sort((a, b) => b.phrase.length - a.phrase.length)) {
    const bare = phrase.replace(/^(an?|the) /i, "");
    rest = split(rest, bare, id) ?? split(rest, noun, id) ?? rest;
  }
  return rest;
}

function split(all: Piece[], words: string, subject: string): Piece[] | null {
  const search = new RegExp(`(?<![\\p{L}\\p{N}])${words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(e?s)?(?![\\p{L}\\p{N}])`, "iu");
  for (const [index, piece] of all.entries()) {
    const found = piece.subject === null ? search.exec(piece.text) : null;
    if (!found) continue;
    const made: Piece[] = [
      { text: piece.text.slice(0, found.index), subject: null },
      { text: found[0], subject },
      { text: piece.text.slice(found.index + found[0].length), subject: null },
    ];
    return [...all.slice(0, index), ...made.filter((one) => one.text), ...all.slice(index + 1)];
  }
  return null;
}
