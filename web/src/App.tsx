// The page: which session, and what stands around it.
import { useState } from "react";
import { Home } from "./components/Home";
import { Offline } from "./components/Offline";
import { Sessions } from "./components/Sessions";
import { TokenGate } from "./components/TokenGate";
import { Workspace } from "./components/Workspace";
import { useMeta, useRoute } from "./hooks/small";

export function App() {
  const [session, open] = useRoute();
  const [listed, setListed] = useState(false);
  const meta = useMeta();
  return (
    <>
      <a className="skip" href="#main">
        Skip to the work
      </a>
      <Offline />
      {session ? (
        <Workspace key={session} id={session} meta={meta} onSessions={() => setListed(true)} />
      ) : (
        <Home meta={meta} onOpen={open} onSessions={() => setListed(true)} />
      )}
      <Sessions open={listed} current={session} onClose={() => setListed(false)} onOpen={open} />
      <TokenGate />
    </>
  );
}
