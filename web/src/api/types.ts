// What the service says, by the types generated from its OpenAPI description (`npm run types`). Addresses of images are paths of this server.
import type { components } from "./schema";

type Schemas = components["schemas"];

/** Nothing is left out of answers: what has no value is null. */
type Whole<T> = T extends readonly unknown[] ? { [K in keyof T]: Whole<T[K]> } : T extends object ? { [K in keyof T]-?: Whole<T[K]> } : T;

export type Json = Record<string, unknown>;
export type Box = readonly [number, number, number, number];
export type RunStatus = Schemas["Run"]["status"];
export type Run = Whole<Schemas["Run"]>;
export type ProblemJson = Partial<Schemas["Problem"]>;
export type Tool = Schemas["Call"]["tool"];
export type Call = Schemas["Call"];
export type Cost = Whole<Schemas["Cost"]>;
export type Session = Schemas["SessionOut"];
export type Turn = Omit<Whole<Schemas["Turn"]>, "question"> & { question: Question | null };
export type SessionWithTurns = Omit<Schemas["SessionWhole"], "turns"> & { turns: Turn[] };
export type Design = Whole<Schemas["DesignOut"]>;
export type Plan = Whole<Schemas["Plan"]>;
export type Region = Whole<Schemas["Region"]>;
export type Receipt = Whole<Schemas["Receipt"]>;
export type Cutout = Whole<Schemas["CutoutOut"]>;
export type Critique = Whole<Schemas["Critique"]>;
export type Artifact = Whole<Schemas["ArtifactOut"]>;
export type Upload = Schemas["Upload"];
export type HeatMap = Schemas["HeatMap"];
export type Meta = Whole<Schemas["Meta"]>;
export type Finish = Whole<Schemas["FinishSettings"]>;
export type Kind = Finish["kind"];
export type StickerSettings = Finish["sticker"];
export type TextileSettings = Finish["textile"];

export interface Page<T> {
  data: T[];
  next: string | null;
}

/** A person is asked: LangGraph's HITLRequest. */
export interface Question {
  action_requests: ActionRequest[];
  review_configs?: { action_name: string; allowed_decisions: string[] }[];
}

export interface ActionRequest {
  name: string;
  args: Json;
  description?: string | null;
}

export type Decision = { type: "approve" } | { type: "reject"; message: string } | { type: "edit"; edited_action: { name: string; args: Json } };

export interface Comparison {
  differences: string[];
  changed: number | null; // share of pixels
}

export interface RunEvent {
  id: number;
  kind: string;
  data: Json;
}
