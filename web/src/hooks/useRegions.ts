// Regions as they are dragged, by pointer or keys: where one is let go is a turn.
import { useCallback, useEffect, useState } from "react";
import type { Box, Region } from "../api/types";
import { reshaped, same } from "../lib/boxes";
import { useWork } from "./useWorkspace";

export interface Regions {
  boxes: readonly Box[]; // as shown: planned, or where it was dragged to
  draft: number | null; // that is elsewhere than planned
  put: (region: number, box: Box) => void;
  commit: (region: number, box?: Box) => void;
  reset: () => void;
}

export function useRegions(regions: readonly Region[]): Regions {
  const { call, design } = useWork();
  const [draft, setDraft] = useState<{ region: number; box: Box } | null>(null);
  const reset = useCallback(() => setDraft(null), []);
  useEffect(reset, [design?.id, reset]);

  const commit = useCallback(
    (index: number, given?: Box) => {
      const region = regions[index];
      const box = given ?? (draft?.region === index ? draft.box : undefined);
      if (!region || !box || same(region.box, box)) return reset();
      setDraft({ region: index, box });
      const tool = reshaped(region.box, box) ? "resize" : "move";
      void call(tool, { subject: region.subject, region: index, box: [...box] }).then((went) => went || reset());
    },
    [call, draft, regions, reset],
  );

  return {
    boxes: regions.map((region, index) => (draft?.region === index ? draft.box : region.box)),
    draft: draft?.region ?? null,
    put: useCallback((region, box) => setDraft({ region, box }), []),
    commit,
    reset,
  };
}
