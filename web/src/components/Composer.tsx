import { useRef } from "react";
import { useDraft } from "../hooks/small";
import { useBeginning } from "../hooks/useBeginning";
import { useGiven } from "../hooks/useGiven";
import { useWork } from "../hooks/useWorkspace";
import { begun } from "../lib/beginning";
import { BeginFrom } from "./BeginFrom";
import { IconButton } from "./Button";

/** Where one says the next thing. What is written stays, also through a reload, until the service has it. Where no design stands, it may begin from a picture. */
export function Composer() {
  const { session, stands, busy, say, change } = useWork();
  const [text, setText] = useDraft(session?.id ?? "");
  const field = useRef<HTMLTextAreaElement>(null);
  const sending = useRef(false);
  const begins = useBeginning(session?.id ?? "");
  const fresh = !stands && !busy; // what is said begins a design
  const over = useGiven(fresh ? begins.take : null);

  const send = async () => {
    const words = text.trim();
    if (!words || sending.current || begins.taking) return;
    sending.current = true;
    if (await say(begun(words, "auto", "", fresh ? begins.picture : null))) {
      setText("");
      if (fresh) begins.drop();
    }
    sending.current = false;
    field.current?.focus();
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <textarea
        ref={field}
        rows={2}
        maxLength={2000}
        aria-label="Say what to change"
        placeholder={stands ? "Make the cat bigger, move the rocket to the top right …" : "Say what to draw …"}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            void send();
          }
        }}
      />
      {fresh && <BeginFrom begins={begins} over={over} />}
      <div className="composer-tools">
        <label className="check">
          <input type="checkbox" checked={session?.approve ?? false} onChange={(event) => void change({ approve: event.target.checked })} />
          <span>Ask before drawing</span>
        </label>
        <span className="grow" />
        <IconButton icon="send" label={busy ? "Send: it waits its turn" : "Send"} className="filled" type="submit" disabled={!text.trim() || begins.taking !== null} />
      </div>
    </form>
  );
}
