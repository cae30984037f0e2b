// All sessions, newest first, in pages: a long list stays light.
import { useCallback, useEffect, useRef, useState } from "react";
import { api } from "../api/api";
import { visits } from "../api/client";
import type { Session } from "../api/types";
import { useStore } from "../lib/store";
import { ago } from "../lib/words";
import { Button, IconButton } from "./Button";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { Notice } from "./Notice";

interface Props {
  open: boolean;
  current: string | null;
  onClose: () => void;
  onOpen: (session: string | null) => void;
}

export function Sessions({ open, current, onClose, onOpen }: Props) {
  return (
    <Dialog open={open} label="Sessions" className="drawer" onClose={onClose}>
      <List
        current={current}
        onClose={onClose}
        onOpen={(id) => {
          onOpen(id);
          onClose();
        }}
      />
    </Dialog>
  );
}

function List({ current, onClose, onOpen }: Omit<Props, "open">) {
  const { sessions, more, next, error, change } = useSessions();
  const [wanted, setWanted] = useState("");
  const end = useRef<HTMLDivElement>(null);
  const found = sessions.filter((session) => title(session).toLowerCase().includes(wanted.trim().toLowerCase()));

  useEffect(() => {
    if (!end.current || !next) return;
    const watch = new IntersectionObserver(([entry]) => entry?.isIntersecting && void more());
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [more, next, found.length]);

  return (
    <>
      <header>
        <h2>Sessions</h2>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </header>
      <div className="drawer-tools">
        <label className="search">
          <Icon name="search" size={16} />
          <input type="search" placeholder="Search" aria-label="Search sessions" value={wanted} onChange={(event) => setWanted(event.target.value)} />
        </label>
        <Button look="primary" icon="plus" onClick={() => onOpen(null)}>
          New
        </Button>
      </div>
      {error && <Notice error={error} />}
      <ul className="sessions">
        {found.map((session) => (
          <Row key={session.id} session={session} current={session.id === current} onOpen={onOpen} onChange={change} />
        ))}
      </ul>
      {!found.length && !next && <p className="empty">{wanted ? "No session has such a name." : "No sessions yet."}</p>}
      <div ref={end}>{next && <p className="empty">Loading …</p>}</div>
    </>
  );
}

type Change = (id: string, change: Session | null) => void;

function Row({ session, current, onOpen, onChange }: { session: Session; current: boolean; onOpen: (id: string | null) => void; onChange: Change }) {
  const [mode, setMode] = useState<"shown" | "renamed" | "deleted">("shown");
  const rename = async (name: string) => {
    setMode("shown");
    if (name.trim() && name !== session.title) onChange(session.id, await api.change(session.id, { title: name.trim() }));
  };
  const remove = async () => {
    await api.remove(session.id);
    onChange(session.id, null);
    if (current) onOpen(null);
  };
  if (mode === "renamed")
    return (
      <li className="session">
        <input
          aria-label="New name"
          autoFocus
          defaultValue={session.title}
          onBlur={(event) => void rename(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") void rename(event.currentTarget.value);
            if (event.key === "Escape") {
              event.preventDefault();
              setMode("shown");
            }
          }}
        />
      </li>
    );
  if (mode === "deleted")
    return (
      <li className="session asks">
        <span>Delete “{title(session)}” and its history?</span>
        <Button look="danger" autoFocus onClick={() => void remove()}>
          Delete
        </Button>
        <Button onClick={() => setMode("shown")}>Keep</Button>
      </li>
    );
  return (
    <li className="session" aria-current={current || undefined}>
      <button type="button" className="open" onClick={() => onOpen(session.id)}>
        <span className="name">{title(session)}</span>
        <span className="when">{ago(session.updated)}</span>
      </button>
      <IconButton icon="pencil" label={`Rename ${title(session)}`} onClick={() => setMode("renamed")} />
      <IconButton icon="trash" label={`Delete ${title(session)}`} onClick={() => setMode("deleted")} />
    </li>
  );
}

export const title = (session: Pick<Session, "title">) => session.title || "Untitled";

function useSessions() {
  const [sessions, setSessions] = useState<Session[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const asking = useRef(false);
  const held = useStore(visits);

  const look = useCallback(async (after: string | null) => {
    if (asking.current) return;
    asking.current = true;
    try {
      const page = await api.sessions(after);
      setSessions((known) => (after ? [...known, ...page.data.filter((one) => known.every((other) => other.id !== one.id))] : page.data));
      setNext(page.next);
      setError(null);
    } catch (problem) {
      setError(problem as Error);
    } finally {
      asking.current = false;
    }
  }, []);

  useEffect(() => void look(null), [look, held]);
  const change: Change = useCallback((id, to) => setSessions((known) => known.flatMap((one) => (one.id !== id ? [one] : to ? [to] : []))), []);
  return { sessions, next, error, change, more: useCallback(() => look(next), [look, next]) };
}
