// Designs do not change once they are done: each is asked for once.
import { useEffect, useState } from "react";
import { api } from "../api/api";
import type { Design, HeatMap, Turn } from "../api/types";
import { store, useStore } from "../lib/store";

const MOST = 60;
const designs = new Map<string, Promise<Design>>();
const maps = new Map<string, Promise<HeatMap[]>>();

function once<T>(cache: Map<string, Promise<T>>, id: string, make: () => Promise<T>): Promise<T> {
  const found = cache.get(id) ?? make();
  if (!cache.has(id)) {
    if (cache.size >= MOST) cache.delete(cache.keys().next().value!);
    cache.set(id, found);
    found.catch(() => cache.delete(id));
  }
  return found;
}

export async function designOf(id: string): Promise<Design> {
  const design = await once(designs, id, () => api.design(id));
  if (design.status === "running" || design.status === "needs_approval") designs.delete(id);
  return design;
}

/** A design; the one before stays until the next is there. */
export function useDesign(id: string | null): { design: Design | null; stale: boolean; error: Error | null } {
  const [held, setHeld] = useState<{ id: string; design: Design } | null>(null);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    setError(null);
    if (!id) return setHeld(null);
    let wanted = true;
    designOf(id).then(
      (design) => wanted && setHeld({ id, design }),
      (problem: Error) => wanted && setError(problem),
    );
    return () => {
      wanted = false;
    };
  }, [id]);
  return { design: id ? (held?.design ?? null) : null, stale: held?.id !== id, error };
}

const NONE: readonly HeatMap[] = [];

/** Where the model looked, asked for when first wanted. */
export function useMaps(id: string | null, wanted: boolean): readonly HeatMap[] {
  const [held, setHeld] = useState<{ id: string; maps: HeatMap[] } | null>(null);
  useEffect(() => {
    if (!id || !wanted) return;
    let here = true;
    once(maps, id, async () => (await api.maps(id)).data).then(
      (found) => here && setHeld({ id, maps: found }),
      () => undefined, // the record may be gone: there is nothing to show then
    );
    return () => {
      here = false;
    };
  }, [id, wanted]);
  return held && held.id === id ? held.maps : NONE;
}

const pictures = store<Readonly<Record<string, string | null>>>({});

/** The picture of a turn's design, for its thumbnail. */
export function usePicture(turn: Turn | null): string | null {
  const id = turn?.design ?? null;
  const known = useStore(pictures);
  useEffect(() => {
    if (!id || id in pictures.get()) return;
    designOf(id).then(
      (design) => pictures.set({ ...pictures.get(), [id]: shown(design) }),
      () => undefined,
    );
  }, [id]);
  return id ? (known[id] ?? null) : null;
}

/** What a design shows of itself: the goods that were made, else the picture. */
export function shown(design: Design): string | null {
  const goods: Record<string, string> = { meme: "meme", textile: "preview", sticker: "sticker" };
  const made = design.artifacts.find((artifact) => artifact.kind === goods[design.kind] && artifact.media_type.startsWith("image/"));
  return made?.path ?? design.image;
}
