import { useState } from "react";
import { login, tokenWanted } from "../api/client";
import { useStore } from "../lib/store";
import { Button } from "./Button";
import { Dialog } from "./Dialog";

/** Asks for a token when the service wants one. */
export function TokenGate() {
  const wanted = useStore(tokenWanted);
  const [text, setText] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const enter = async () => {
    setFault(null);
    try {
      await login(text.trim());
      setText("");
    } catch (problem) {
      setFault((problem as Error).message);
    }
  };
  return (
    <Dialog open={wanted} label="Token" className="gate">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <h2>This service wants a token</h2>
        <p>
          Whoever runs it makes one with <code>cutwork token add NAME</code>.
        </p>
        <label className="field">
          <span>Token</span>
          <input
            type="password"
            autoComplete="current-password"
            spellCheck={false}
            autoFocus
            aria-invalid={fault !== null}
            aria-describedby={fault ? "token-fault" : undefined}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        {fault && (
          <p id="token-fault" className="fault" role="alert">
            {fault}
          </p>
        )}
        <div className="actions">
          <Button type="submit" look="primary" disabled={!text.trim()}>
            Use it
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
