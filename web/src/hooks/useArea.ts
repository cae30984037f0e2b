// The free-form area of a region as it is being made, by hand or from a picture: where it is taken is a turn.
import { useCallback, useEffect, useState } from "react";
import { api } from "../api/api";
import type { Design, Upload } from "../api/types";
import { LEAST, enclosed, proportioned, type Point } from "../lib/lasso";
import { filled } from "../lib/pixels";
import { useLatest } from "./small";
import { useLooks } from "./useLook";
import { useWork } from "./useWorkspace";

export interface Area {
  line: readonly Point[]; // drawn by hand
  mask: string | null; // or the address of a picture that was brought
  ready: boolean;
  sending: boolean;
  error: Error | null;
  draw: (line: readonly Point[]) => void;
  bring: (file: Blob) => Promise<void>;
  take: () => Promise<void>;
  drop: () => void;
}

const NONE: readonly Point[] = [];

export function useArea(design: Design | null): Area {
  const { call } = useWork();
  const { shaping, shape } = useLooks();
  const [line, setLine] = useState(NONE);
  const [brought, setBrought] = useState<Upload | null>(null);
  const [sending, setSending] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const clear = useCallback((next: readonly Point[], mask: Upload | null) => {
    setLine(next);
    setBrought(mask);
    setError(null);
  }, []);
  useEffect(() => clear(NONE, null), [clear, shaping]);
  const drop = useCallback(() => shape(null), [shape]);

  const attempt = useLatest(async (act: () => Promise<unknown>) => {
    setSending(true);
    try {
      await act();
    } catch (problem) {
      setError(problem as Error);
    } finally {
      setSending(false);
    }
  });

  const bring = useLatest((file: Blob) =>
    attempt(async () => {
      const taken = await api.upload(file);
      const [width, height] = design?.size ?? [1, 1];
      if (!proportioned([taken.width, taken.height], [width, height])) throw new Error(`That picture is ${taken.width} × ${taken.height}; a mask has the proportions of the picture, ${width} × ${height}.`);
      clear(NONE, taken);
    }),
  );

  const take = useLatest(() =>
    attempt(async () => {
      const region = shaping === null ? undefined : design?.plan?.regions[shaping];
      if (!design || !region) return;
      const mask = brought ?? (await api.upload(await filled(line, design.size)));
      if (await call("move", { subject: region.subject, region: shaping, mask: mask.sha256 })) drop();
    }),
  );

  return {
    line,
    mask: brought?.url ?? null,
    ready: brought !== null || enclosed(line) >= LEAST,
    sending,
    error,
    draw: useCallback((next) => clear(next, null), [clear]),
    bring,
    take,
    drop,
  };
}
