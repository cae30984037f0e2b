// One way to ask the service: JSON in and out, problems as errors, and whether it can be reached.
import { store } from "../lib/store";
import type { ProblemJson } from "./types";

export const tokenWanted = store(false); // the service answered 401
export const visits = store(0); // counts logins: what was refused before is asked for again
export const reachable = store(true);

/** What the service refused, in its own words. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly hint: string | null;

  constructor(json: ProblemJson, status = json.status ?? 0) {
    super(json.detail || json.title || `The service answered ${status}.`);
    this.status = status;
    this.title = json.title || "That did not work";
    this.hint = json.hint ?? null;
  }
}

/** The service cannot be reached. */
export class Unreachable extends Error {
  constructor() {
    super("The service cannot be reached.");
  }
}

export interface Asked {
  body?: unknown; // a Blob is sent as it is, all else as JSON
  signal?: AbortSignal;
  key?: string; // Idempotency-Key: the same thing asked twice happens once
}

/** Gives the service a token; it keeps it in a cookie that scripts cannot read, so that pictures and events come too. */
export async function login(token: string): Promise<void> {
  await send("POST", "/v1/login", { body: { token } });
  tokenWanted.set(false);
  visits.set(visits.get() + 1);
}

/** Whether to ask again what was answered 401: a login has come since it was asked. Else the service wants a token. */
export function overtaken(visit: number): boolean {
  if (visit !== visits.get()) return true;
  tokenWanted.set(true);
  return false;
}

/** The answer to a request that succeeded. Raises Problem, Unreachable, or AbortError. */
export async function send(method: string, path: string, asked: Asked = {}): Promise<Response> {
  const { body, signal, key } = asked;
  const visit = visits.get();
  const file = body instanceof Blob ? body : null;
  const given: Record<string, string> = body === undefined ? {} : { "Content-Type": file ? file.type : "application/json" };
  if (key) given["Idempotency-Key"] = key;
  let answer: Response;
  try {
    answer = await fetch(path, { method, headers: given, body: file ?? (body === undefined ? null : JSON.stringify(body)), signal: signal ?? null });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    reachable.set(false);
    throw new Unreachable();
  }
  if ([502, 503, 504].includes(answer.status) && !answer.headers.get("content-type")?.includes("problem")) {
    reachable.set(false);
    throw new Unreachable();
  }
  reachable.set(true);
  if (answer.ok) return answer;
  if (answer.status === 401 && overtaken(visit)) return send(method, path, asked);
  throw new Problem(await problem(answer), answer.status);
}

async function problem(answer: Response): Promise<ProblemJson> {
  try {
    return (await answer.json()) as ProblemJson;
  } catch {
    return { title: answer.statusText, status: answer.status };
  }
}

export async function ask<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
  const answer = await send(method, path, asked);
  return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T);
}

const PAUSE = 2_000; // ms between looks for a service that is gone
let looking = false;

/** Looks for the service again and again while it cannot be reached. */
async function lookForIt(): Promise<void> {
  if (looking) return;
  looking = true;
  while (!reachable.get()) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    try {
      if ((await fetch("/healthz", { cache: "no-store" })).ok) reachable.set(true);
    } catch {
      // not yet
    }
  }
  looking = false;
}

reachable.subscribe(() => void (reachable.get() || lookForIt()));
if (typeof window !== "undefined") window.addEventListener("offline", () => reachable.set(false));
