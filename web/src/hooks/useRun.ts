// A run as it goes: its events from the first on, wherever one comes in.
import { useEffect, useReducer } from "react";
import { follow } from "../api/sse";
import type { RunEvent } from "../api/types";
import { BEGUN, told, type Progress } from "../lib/events";
import { useLatest } from "./small";

type Heard = { run: string | null; progress: Progress };

function heard(now: Heard, { run, event }: { run: string | null; event: RunEvent | null }): Heard {
  if (run !== now.run) return { run, progress: event ? told(BEGUN, event) : BEGUN };
  return event ? { run, progress: told(now.progress, event) } : now;
}

export function useRun(run: string | null, onEnd: (progress: Progress) => void | Promise<void>): Progress {
  const [{ progress, run: of }, tell] = useReducer(heard, { run: null, progress: BEGUN });
  const end = useLatest(onEnd);

  useEffect(() => {
    if (!run) return;
    const stop = new AbortController();
    let now = BEGUN;
    tell({ run, event: null });
    const on = (event: RunEvent) => {
      now = told(now, event);
      tell({ run, event });
      if (event.kind === "done") void end(now);
    };
    follow(run, on, stop.signal).catch(() => void end(now));
    return () => stop.abort();
  }, [run, end]);

  return of === run ? progress : BEGUN;
}

/** Waits for the end of a run; rejects with AbortError when given up. */
export async function finished(run: string, signal: AbortSignal): Promise<Progress> {
  let now = BEGUN;
  await follow(run, (event) => (now = told(now, event)), signal);
  signal.throwIfAborted();
  return now;
}
