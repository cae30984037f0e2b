// The routes the page uses, by name.
import { ask, send } from "./client";
import type { Call, Comparison, Decision, Design, HeatMap, Json, Kind, Meta, Page, Run, Session, SessionWithTurns, Upload } from "./types";

export interface Said {
  words?: string;
  calls?: Call[];
}

export interface Wished {
  words?: string;
  kind?: Kind;
  captions?: string[];
  palette?: string[];
  settings?: Record<string, Json>;
}

const LIST = 30;

export const api = {
  meta: () => ask<Meta>("GET", "/v1/meta"),
  sessions: (after?: string | null) => ask<Page<Session>>("GET", `/v1/sessions?limit=${LIST}${after ? `&after=${encodeURIComponent(after)}` : ""}`),
  session: (id: string, signal?: AbortSignal) => ask<SessionWithTurns>("GET", `/v1/sessions/${id}`, signal ? { signal } : {}),
  create: (title = "", approve = false) => ask<Session>("POST", "/v1/sessions", { body: { title, approve } }),
  change: (id: string, change: { title?: string; approve?: boolean }) => ask<Session>("PATCH", `/v1/sessions/${id}`, { body: change }),
  remove: (id: string) => ask<void>("DELETE", `/v1/sessions/${id}`),
  say: (id: string, said: Said, key: string) => ask<Run>("POST", `/v1/sessions/${id}/turns`, { body: said, key }),
  answer: (id: string, turn: string, decisions: Decision[]) => ask<Run>("POST", `/v1/sessions/${id}/turns/${turn}/answer`, { body: { decisions } }),
  goTo: (id: string, turn: string | null) => ask<Session>("POST", `/v1/sessions/${id}/head`, { body: { turn } }),
  compare: (id: string, a: string, b: string) => ask<Comparison>("GET", `/v1/sessions/${id}/compare?a=${a}&b=${b}`),
  runs: (session: string, signal?: AbortSignal) => ask<Page<Run>>("GET", `/v1/runs?session=${session}&limit=20`, signal ? { signal } : {}),
  cancel: (id: string) => ask<Run>("DELETE", `/v1/runs/${id}`),
  design: (id: string) => ask<Design>("GET", `/v1/designs/${id}`),
  forget: (id: string) => ask<void>("DELETE", `/v1/designs/${id}`),
  maps: (id: string) => ask<{ data: HeatMap[] }>("GET", `/v1/designs/${id}/maps`),
  finish: (id: string, wished: Wished, signal?: AbortSignal) => ask<Run>("POST", `/v1/designs/${id}/finish`, { body: wished, ...(signal ? { signal } : {}) }),
  upload: (picture: Blob, signal?: AbortSignal) => ask<Upload>("POST", "/v1/uploads", { body: picture, ...(signal ? { signal } : {}) }),
  look: (sha256: string) => send("HEAD", `/v1/artifacts/${sha256}`), // whether it is there
  file: (path: string) => send("GET", path),
};
