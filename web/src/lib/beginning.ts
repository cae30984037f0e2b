// The picture that a brief may begin from: how closely it is followed, where it came from, and how the service is asked for it.
import type { Said } from "../api/api";
import type { Call, Kind, Upload } from "../api/types";

/** A picture the service has taken in, and the noise from which it is drawn on: low = hardly changed. */
export interface Beginning extends Pick<Upload, "sha256" | "width" | "height"> {
  name: string;
  follow: number;
}

export const [CLOSEST, LOOSEST, USUAL] = [0.1, 0.95, 0.7]; // noise; the service's bounds, and its own choice

/** Noise as how closely the picture is followed, in percent: what a person moves. */
export const closeness = (follow: number): number => Math.round(100 * (1 - follow));
export const followOf = (percent: number): number => Math.min(LOOSEST, Math.max(CLOSEST, (100 - Math.round(percent)) / 100));

const STAYS: readonly [number, string][] = [
  [0.4, "It hardly changes."],
  [0.625, "Most of it stays."],
  [0.775, "Its large shapes and colours stay."],
  [0.825, "A little of it stays."],
  [Infinity, "Hardly anything of it stays."],
];

/** What is seen of a picture that is drawn on from so much noise. */
export const stays = (follow: number): string => STAYS.find(([below]) => follow < below)![1];

/** Where a file is that was taken in. */
export const address = (sha256: string): string => `/v1/artifacts/${sha256}`;

/** The files of a paste that are meant: none where text was copied that only brings a picture of itself along. A file's own name is no such text. */
export function pasted(files: readonly File[], text: string): readonly File[] {
  const names = files.map((file) => file.name);
  return text.split(/\r?\n/).every((line) => !line.trim() || names.includes(line.trim())) ? files : [];
}

/** As text that this browser keeps, and back; null where it is none of ours. */
export const kept = (beginning: Beginning | null): string | null => beginning && JSON.stringify(beginning);

export function read(text: string | null): Beginning | null {
  let found: unknown;
  try {
    found = JSON.parse(text ?? "null");
  } catch {
    return null;
  }
  if (!found || typeof found !== "object") return null;
  const { sha256, name, width, height, follow } = found as Record<string, unknown>;
  const number = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256) || typeof name !== "string" || !number(width) || !number(height) || !number(follow)) return null;
  return { sha256, name, width, height, follow: Math.min(LOOSEST, Math.max(CLOSEST, follow)) };
}

/** What a person asks for who begins: words alone, or with what they chose beside them. */
export function begun(brief: string, kind: Kind | "auto", size: string, picture: Beginning | null): Said {
  const chosen = { ...(kind === "auto" ? {} : { kind }), ...(size ? { size } : {}), ...(picture ? { reference: picture.sha256, follow: picture.follow } : {}) };
  return Object.keys(chosen).length ? { words: brief, calls: [{ tool: "design", args: { brief, ...chosen } }] } : { words: brief };
}

/** The picture that calls begin from, and from how much noise. */
export function beganFrom(calls: readonly Call[]): { sha256: string; follow: number } | null {
  const args = calls.find((call) => call.tool === "design" && typeof call.args.reference === "string")?.args;
  return args ? { sha256: args.reference as string, follow: typeof args.follow === "number" ? args.follow : USUAL } : null;
}

/** What is sent to try the same again: words are read anew, but for a picture there are none. */
export function again({ words, calls }: { words: string; calls: readonly Call[] }): Said {
  return { ...(words ? { words } : {}), ...(!words || beganFrom(calls) ? { calls: [...calls] } : {}) };
}
