// One session with its turns and its runs that are not over. Other tabs and other programs change it too: it is looked at again and again.
import { useCallback, useEffect, useRef, useState } from "react";
import { api } from "../api/api";
import { Problem, reachable, visits } from "../api/client";
import type { Run, SessionWithTurns } from "../api/types";
import { ended } from "../lib/events";
import { useStore } from "../lib/store";

const OFTEN = 2_500; // ms between looks while the page is seen

export interface Held {
  session: SessionWithTurns | null;
  active: Run[]; // oldest first
  error: Error | null;
  refresh: () => Promise<SessionWithTurns | null>;
  replace: (session: SessionWithTurns) => void;
}

/** Tells other tabs of this browser that a session changed. */
export function announce(session: string): void {
  if (typeof BroadcastChannel === "undefined") return;
  const channel = new BroadcastChannel("cutwork");
  channel.postMessage(session);
  channel.close();
}

export function useSession(id: string): Held {
  const [session, setSession] = useState<SessionWithTurns | null>(null);
  const [active, setActive] = useState<Run[]>([]);
  const [error, setError] = useState<Error | null>(null);
  const asking = useRef<AbortController | null>(null);
  const there = useStore(reachable);
  const held = useStore(visits);

  const refresh = useCallback(async () => {
    asking.current?.abort();
    const { signal } = (asking.current = new AbortController());
    try {
      const [found, runs] = await Promise.all([api.session(id, signal), api.runs(id, signal)]);
      setSession((now) => (now && JSON.stringify(now) === JSON.stringify(found) ? now : found));
      setActive((now) => {
        const open = runs.data.filter((run) => !ended(run.status)).reverse();
        return JSON.stringify(now) === JSON.stringify(open) ? now : open;
      });
      setError(null);
      return found;
    } catch (problem) {
      if (problem instanceof Problem) setError(problem);
      return null;
    }
  }, [id]);

  useEffect(() => {
    void refresh();
    const look = () => document.visibilityState === "visible" && void refresh();
    const timer = setInterval(look, OFTEN);
    const channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel("cutwork");
    channel?.addEventListener("message", ({ data }) => data === id && void refresh());
    document.addEventListener("visibilitychange", look);
    window.addEventListener("focus", look);
    return () => {
      asking.current?.abort();
      clearInterval(timer);
      channel?.close();
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("focus", look);
    };
  }, [id, refresh, there, held]);

  return { session, active, error, refresh, replace: setSession };
}
