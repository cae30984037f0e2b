// Goods tried out as their settings change: nothing is drawn, nothing of it is in the history until it is kept.
import { useCallback, useEffect, useRef, useState } from "react";
import { api, type Wished } from "../api/api";
import { Problem } from "../api/client";
import type { Design } from "../api/types";
import { designOf } from "./useDesign";
import { useLooks } from "./useLook";
import { finished } from "./useRun";
import { useWork } from "./useWorkspace";

const PAUSE = 450; // ms without a change before it is made

export interface Trying {
  busy: boolean;
  error: Error | null;
  keep: () => Promise<void>;
  drop: () => void;
}

/** Makes `wished` out of the design that stands; null = nothing is wished that it is not already. */
export function useFinish(design: Design, wished: Wished | null): Trying {
  const { say } = useWork();
  const { propose, setView, making, setMaking } = useLooks();
  const [error, setError] = useState<Error | null>(null);
  const made = useRef<string[]>([]); // designs tried out, to be let go of
  const key = JSON.stringify(wished);

  const drop = useCallback(() => {
    propose(null);
    for (const id of made.current.splice(0)) api.forget(id).catch(() => undefined);
  }, [propose]);

  useEffect(() => {
    setError(null);
    if (!wished) {
      drop();
      return;
    }
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      setMaking(true);
      try {
        const found = await tried(design.id, wished, stop.signal);
        if (!found) return;
        drop();
        made.current.push(found.id);
        propose(found);
        setView("goods");
      } catch (problem) {
        if (!stop.signal.aborted) setError(problem as Error);
      } finally {
        if (!stop.signal.aborted) setMaking(false);
      }
    }, PAUSE);
    return () => {
      stop.abort();
      clearTimeout(timer);
      setMaking(false);
    };
    // `key` is `wished`, compared by what it says
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [design.id, key]);

  useEffect(
    () => () => {
      drop();
      setMaking(false);
    },
    [drop, setMaking],
  );

  const keep = useCallback(async () => {
    if (wished && (await say({ calls: [{ tool: "refinish", args: { ...wished } }] }))) drop();
  }, [drop, say, wished]);

  return { busy: making, error, keep, drop };
}

async function tried(id: string, wished: Wished, signal: AbortSignal): Promise<Design | null> {
  const run = await api.finish(id, wished, signal);
  const end = await finished(run.id, signal).catch((problem: unknown) => {
    api.cancel(run.id).catch(() => undefined);
    throw problem;
  });
  if (end.status !== "done") throw new Problem(end.error ?? { title: "That cannot be made" });
  const made = end.run?.design ?? run.design;
  return made ? designOf(made) : null;
}
