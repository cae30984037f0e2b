// What one can do in a session, and where it stands: every part of the page goes by this one value.
import { createContext, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { api, type Said } from "../api/api";
import { Problem, Unreachable, reachable } from "../api/client";
import type { Call, Decision, Design, Meta, Run, SessionWithTurns, Tool, Turn } from "../api/types";
import { after, before, standing } from "../lib/history";
import type { Progress } from "../lib/events";
import { useStore } from "../lib/store";
import { useDesign } from "./useDesign";
import { announce, useSession } from "./useSession";
import { useRun } from "./useRun";

export interface Unsent extends Said {
  key: string;
}

export interface Workspace {
  session: SessionWithTurns | null;
  error: Error | null; // why the session cannot be shown
  fault: Error | null; // why its design cannot
  turns: readonly Turn[];
  head: string | null;
  stands: Turn | null; // whose design is shown
  design: Design | null;
  stale: boolean; // the design shown is not yet the one that stands
  locks: readonly string[];
  run: Run | null; // that is being followed
  queue: readonly Run[]; // behind it
  progress: Progress;
  busy: boolean;
  unsent: Unsent | null; // kept until the service can be reached again
  refusal: Error | null; // what went wrong last
  asked: ReadonlyMap<string, Said>; // by run, what this tab asked for
  meta: Meta | null;
  say: (said: Said) => Promise<boolean>;
  call: (tool: Tool, args: Call["args"]) => Promise<boolean>;
  answer: (turn: string, decisions: Decision[]) => Promise<void>;
  cancel: (run: string) => Promise<void>;
  goTo: (turn: string | null) => Promise<void>;
  undo: (() => void) | null;
  redo: (() => void) | null;
  change: (change: { title?: string; approve?: boolean }) => Promise<void>;
  dismiss: () => void;
  discard: () => void;
}

export const WorkspaceContext = createContext<Workspace | null>(null);

export function useWork(): Workspace {
  const work = useContext(WorkspaceContext);
  if (!work) throw new Error("useWork is for parts of a session");
  return work;
}

export function useWorkspace(id: string, meta: Meta | null): Workspace {
  const { session, active, error, refresh, replace } = useSession(id);
  const [refusal, setRefusal] = useState<Error | null>(null);
  const [unsent, setUnsent] = useState<Unsent | null>(null);
  const [asked, setAsked] = useState<ReadonlyMap<string, Said>>(new Map());
  const [started, setStarted] = useState<Run | null>(null); // followed before the next look finds it
  const [left, setLeft] = useState<string | null>(null); // where one stood before undo
  const there = useStore(reachable);

  const changed = useCallback(async () => {
    announce(id);
    const found = await refresh(); // none where another look came between: that one will find it
    if (found) setStarted(null);
    return found;
  }, [id, refresh]);

  const run = active[0] ?? started;
  const progress = useRun(run?.id ?? null, async (end) => {
    const found = await changed();
    setStarted(null);
    const told = found?.turns.some((turn) => turn.id === run?.turn && turn.status === "failed");
    if (end.error && end.status === "failed" && !told) setRefusal(new Problem(end.error));
  });

  const attempt = useCallback(async (act: () => Promise<unknown>): Promise<boolean> => {
    setRefusal(null);
    try {
      await act();
      return true;
    } catch (problem) {
      setRefusal(problem as Error);
      return false;
    }
  }, []);

  const post = useCallback(
    async ({ key, ...said }: Unsent): Promise<boolean> => {
      setRefusal(null);
      try {
        const begun = await api.say(id, said, key);
        setUnsent(null);
        setAsked((known) => new Map(known).set(begun.id, said));
        setStarted(begun);
        announce(id);
        await refresh();
        return true;
      } catch (problem) {
        if (problem instanceof Unreachable) setUnsent({ ...said, key });
        else setRefusal(problem as Error);
        return problem instanceof Unreachable; // it is kept, and will be sent
      }
    },
    [id, refresh],
  );

  useEffect(() => {
    if (there && unsent) void post(unsent);
    // only when the service comes back
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [there]);

  const turns = useMemo(() => session?.turns ?? [], [session]);
  const head = session?.head ?? null;
  const at = turns.find((turn) => turn.id === head) ?? null;
  const stands = standing(turns, head);
  const { design, stale, error: fault } = useDesign(stands?.design ?? null);
  const busy = run !== null;

  const goTo = useCallback(
    async (turn: string | null) => {
      setLeft(head);
      if (session) replace({ ...session, head: turn }); // at once; the service is told meanwhile
      await attempt(() => api.goTo(id, turn));
      await changed();
    },
    [attempt, changed, head, id, replace, session],
  );

  const back = before(turns, head);
  const forth = after(turns, head, left);
  const say = useCallback((said: Said) => post({ ...said, key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` }), [post]);

  return {
    session,
    error,
    fault,
    turns,
    head,
    stands,
    design,
    stale,
    locks: at?.locks ?? [],
    run,
    queue: active.slice(1),
    progress,
    busy,
    unsent,
    refusal,
    asked,
    meta,
    say,
    call: useCallback((tool, args) => say({ calls: [{ tool, args }] }), [say]),
    answer: useCallback(
      async (turn, decisions) => {
        await attempt(async () => setStarted(await api.answer(id, turn, decisions)));
        await changed();
      },
      [attempt, changed, id],
    ),
    cancel: useCallback(
      async (which) => {
        await attempt(() => api.cancel(which));
        await changed();
      },
      [attempt, changed],
    ),
    goTo,
    undo: back !== undefined && !busy ? () => void goTo(back) : null,
    redo: forth !== undefined && !busy ? () => void goTo(forth) : null,
    change: useCallback(
      async (change) => {
        await attempt(() => api.change(id, change));
        await changed();
      },
      [attempt, changed, id],
    ),
    dismiss: useCallback(() => setRefusal(null), []),
    discard: useCallback(() => setUnsent(null), []),
  };
}
