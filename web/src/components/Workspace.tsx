// A session: what is said on one side, what is made on the other.
import { useEffect, useState } from "react";
import type { Meta } from "../api/types";
import { useMedia } from "../hooks/small";
import { useShortcuts } from "../hooks/useShortcuts";
import { LookContext, useLook } from "../hooks/useLook";
import { WorkspaceContext, useWorkspace } from "../hooks/useWorkspace";
import { Button } from "./Button";
import { Canvas } from "./Canvas";
import { Chat } from "./Chat";
import { Header } from "./Header";
import { Inspector } from "./Inspector";
import { Notice } from "./Notice";

type Side = "chat" | "canvas";

export function Workspace({ id, meta, onSessions }: { id: string; meta: Meta | null; onSessions: () => void }) {
  const work = useWorkspace(id, meta);
  const look = useLook(work.design);
  const narrow = useMedia("(max-width: 820px)");
  const [side, setSide] = useState<Side>("chat");
  useShortcuts(work);
  const name = work.session?.title;
  useEffect(() => {
    document.title = name ? `${name} · Cutwork` : "Cutwork";
    return () => void (document.title = "Cutwork");
  }, [name]);

  return (
    <WorkspaceContext value={work}>
      <LookContext value={look}>
        <div className={`workspace ${narrow ? `narrow show-${side}` : ""}`}>
          <Header onSessions={onSessions} />
          {work.error && !work.session ? (
            <main id="main" className="lost">
              <Notice error={work.error}>
                <Button onClick={() => (location.hash = "#/")}>Begin a new session</Button>
                <Button onClick={onSessions}>All sessions</Button>
              </Notice>
            </main>
          ) : (
            <>
              <section className="side-chat" aria-label="Conversation" hidden={narrow && side !== "chat"}>
                <Chat />
              </section>
              <main id="main" className="side-canvas" aria-label="Canvas" hidden={narrow && side !== "canvas"}>
                <Canvas />
              </main>
              <aside className="side-inspector" aria-label="Inspector" hidden={narrow && side !== "canvas"}>
                <Inspector />
              </aside>
              {narrow && <Switch side={side} onChoose={setSide} />}
            </>
          )}
        </div>
      </LookContext>
    </WorkspaceContext>
  );
}

function Switch({ side, onChoose }: { side: Side; onChoose: (side: Side) => void }) {
  return (
    <nav className="switch" aria-label="Parts">
      {(["chat", "canvas"] as const).map((one) => (
        <button key={one} type="button" aria-pressed={side === one} onClick={() => onChoose(one)}>
          {one === "chat" ? "Chat" : "Canvas"}
        </button>
      ))}
    </nav>
  );
}
