// Briefs to begin with. Their words are ones that the embedded model can draw.
import type { Kind } from "../api/types";

export interface Sample {
  kind: Kind;
  title: string;
  brief: string;
}

export const SAMPLES: readonly Sample[] = [
  { kind: "cutout", title: "Cut-outs", brief: "a frog and a robot on a purple background" },
  { kind: "sticker", title: "Sticker", brief: "whatsapp sticker: a fox" },
  { kind: "meme", title: "Meme", brief: 'meme: grumpy panda and a rocket on a purple background, top "MONDAY", bottom "again"' },
  { kind: "textile", title: "Textile", brief: "textile: a strawberry, a lemon and a star on navy, half-drop, 16 cm, 5 colours" },
];
