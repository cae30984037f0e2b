import { useState } from "react";
import { useWork } from "../hooks/useWorkspace";
import { IconButton } from "./Button";
import { CompareButton } from "./Compare";
import { ExportMenu } from "./ExportMenu";
import { Wordmark } from "./Home";
import { title } from "./Sessions";
import { ThemeButton } from "./ThemeButton";

export function Header({ onSessions }: { onSessions: () => void }) {
  const { undo, redo } = useWork();
  return (
    <header className="bar">
      <IconButton icon="menu" label="Sessions" onClick={onSessions} />
      <a className="home-link" href="#/" aria-label="Cutwork: begin a new session">
        <Wordmark />
      </a>
      <Title />
      <span className="grow" />
      <div className="group" role="group" aria-label="History">
        <IconButton icon="undo" label="Undo (Ctrl+Z)" disabled={!undo} onClick={() => undo?.()} />
        <IconButton icon="redo" label="Redo (Ctrl+Shift+Z)" disabled={!redo} onClick={() => redo?.()} />
        <CompareButton />
      </div>
      <ExportMenu />
      <ThemeButton />
    </header>
  );
}

function Title() {
  const { session, change } = useWork();
  const [editing, setEditing] = useState(false);
  if (!session) return <span className="title skeleton" aria-hidden="true" />;
  if (!editing)
    return (
      <h1 className="title">
        <button type="button" title="Rename" onClick={() => setEditing(true)}>
          {title(session)}
        </button>
      </h1>
    );
  const done = (name: string) => {
    setEditing(false);
    if (name.trim() && name !== session.title) void change({ title: name.trim() });
  };
  return (
    <input
      className="title"
      aria-label="Name of the session"
      autoFocus
      defaultValue={session.title}
      onBlur={(event) => done(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") done(event.currentTarget.value);
        if (event.key === "Escape") setEditing(false);
      }}
    />
  );
}
