// What is wished of a finish, as the service wants to hear it: only what differs from what stands.
import type { Wished } from "../api/api";
import type { Design, Finish, Json } from "../api/types";

const SECTIONS = ["sticker", "meme", "textile"] as const;

/** The lettering of a design: the first line on top. */
export const captions = (design: Design): string[] => (design.plan?.bands ?? []).map((band) => (band.subject ? `${band.subject}: ${band.text}` : band.text));

export function wish(before: Finish, said: readonly string[], now: Finish, lines: readonly string[]): Wished | null {
  const wished: Wished = {};
  if (now.kind !== before.kind) wished.kind = now.kind;
  if (now.kind === "meme" && (lines.join("\n") !== said.join("\n") || wished.kind)) wished.captions = trimmed(lines);
  if (now.palette.join() !== before.palette.join()) wished.palette = [...now.palette];
  const settings: Record<string, Json> = {};
  for (const section of SECTIONS) {
    if (section !== now.kind) continue;
    const changed = differing(before[section], now[section]);
    if (Object.keys(changed).length) settings[section] = changed;
  }
  if (Object.keys(settings).length) wished.settings = settings;
  return Object.keys(wished).length ? wished : null;
}

/** Without empty lines at the end; an empty first line means nothing on top. */
function trimmed(lines: readonly string[]): string[] {
  const kept = [...lines];
  while (kept.length && !kept.at(-1)?.trim()) kept.pop();
  return kept;
}

function differing(before: Json, now: Json): Json {
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])));
}
