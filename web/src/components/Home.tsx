// Where a session begins: a brief, and what one may want to say beside it.
import { useRef, useState } from "react";
import { api } from "../api/api";
import type { Kind, Meta } from "../api/types";
import { useDraft } from "../hooks/small";
import { useBeginning } from "../hooks/useBeginning";
import { useGiven } from "../hooks/useGiven";
import { begun } from "../lib/beginning";
import { SAMPLES, type Sample } from "../lib/briefs";
import { BeginFrom } from "./BeginFrom";
import { Button, IconButton } from "./Button";
import { Icon } from "./Icon";
import { Notice } from "./Notice";
import { ThemeButton } from "./ThemeButton";

const KINDS: readonly { id: Kind | "auto"; name: string }[] = [
  { id: "auto", name: "As the brief says" },
  { id: "cutout", name: "Cut-outs" },
  { id: "sticker", name: "Stickers" },
  { id: "meme", name: "Meme" },
  { id: "textile", name: "Textile" },
];

interface Props {
  meta: Meta | null;
  onOpen: (session: string) => void;
  onSessions: () => void;
}

export function Home({ meta, onOpen, onSessions }: Props) {
  return (
    <div className="home">
      <header className="bar">
        <IconButton icon="menu" label="Sessions" onClick={onSessions} />
        <Wordmark />
        <span className="grow" />
        <ThemeButton />
      </header>
      <main id="main">
        <h1>What shall we make?</h1>
        <p className="lead">Say it in one line. It is planned, drawn and cut out; then you talk about it.</p>
        <Brief meta={meta} onOpen={onOpen} />
      </main>
      {meta && (
        <footer>
          {meta.model === "mini" ? "Embedded model" : meta.model} · {meta.llm === "offline" ? "offline planner" : meta.llm} · Cutwork {meta.version}
        </footer>
      )}
    </div>
  );
}

export function Wordmark() {
  return (
    <span className="wordmark">
      <span aria-hidden="true" className="mark" />
      Cutwork
    </span>
  );
}

function Brief({ meta, onOpen }: Omit<Props, "onSessions">) {
  const [text, setText] = useDraft("new");
  const [kind, setKind] = useState<Kind | "auto">("auto");
  const [size, setSize] = useState("");
  const [approve, setApprove] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [sending, setSending] = useState(false);
  const begins = useBeginning("new");
  const over = useGiven(begins.take);
  const made = useRef<{ id: string; key: string; wish: string } | null>(null); // a second try of the same goes on with what the first began
  const field = useRef<HTMLTextAreaElement>(null);

  const begin = async () => {
    const brief = text.trim();
    if (!brief || sending || begins.taking) return;
    setSending(true);
    setError(null);
    const said = begun(brief, kind, size, begins.picture);
    const wish = JSON.stringify([said, approve]);
    try {
      if (made.current?.wish !== wish) made.current = { id: (await api.create("", approve)).id, key: `${Date.now()}-${Math.random()}`, wish };
      await api.say(made.current.id, said, made.current.key);
      setText("");
      begins.drop();
      onOpen(made.current.id);
    } catch (problem) {
      setError(problem as Error);
      setSending(false);
    }
  };

  const take = (sample: Sample) => {
    setText(sample.brief);
    setKind("auto");
    field.current?.focus();
  };

  return (
    <>
      <form
        className={`brief ${over ? "over" : ""}`}
        onSubmit={(event) => {
          event.preventDefault();
          void begin();
        }}
      >
        <textarea
          ref={field}
          aria-label="Brief"
          placeholder="a frog and a robot on a purple background"
          rows={3}
          autoFocus
          maxLength={2000}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
              event.preventDefault();
              void begin();
            }
          }}
        />
        <BeginFrom begins={begins} over={over} {...(size ? { proportions: size.replace("x", " / ") } : {})} />
        <div className="brief-tools">
          <select aria-label="Kind" value={kind} onChange={(event) => setKind(event.target.value as Kind | "auto")}>
            {KINDS.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
          <select aria-label="Size" value={size} onChange={(event) => setSize(event.target.value)}>
            <option value="">Usual size</option>
            {["256x256", "320x256", "256x320", "384x256", "256x384"].map((one) => (
              <option key={one} value={one}>
                {one.replace("x", " × ")}
              </option>
            ))}
          </select>
          <label className="check">
            <input type="checkbox" checked={approve} onChange={(event) => setApprove(event.target.checked)} />
            <span>Show me the plan first</span>
          </label>
          <span className="grow" />
          <Button type="submit" look="primary" disabled={!text.trim() || sending || begins.taking !== null}>
            {sending ? "Starting …" : "Design it"}
          </Button>
        </div>
      </form>
      {error && <Notice error={error} />}
      <section aria-label="Sample briefs" className="samples">
        {SAMPLES.map((sample) => (
          <button key={sample.brief} type="button" className={`sample ${sample.kind}`} onClick={() => take(sample)}>
            <span className="sample-kind">{sample.title}</span>
            <span>{sample.brief}</span>
          </button>
        ))}
      </section>
      {meta?.vocabulary && meta.vocabulary.length > 0 && <Vocabulary words={meta.vocabulary} onPick={(word) => setText(text ? `${text.trimEnd()} ${word}` : `a ${word}`)} />}
    </>
  );
}

function Vocabulary({ words, onPick }: { words: readonly string[]; onPick: (word: string) => void }) {
  return (
    <details className="vocabulary">
      <summary>
        <Icon name="chevron" size={14} /> The model here knows {words.length} subjects
      </summary>
      <div className="chips">
        {words.map((word) => (
          <button key={word} type="button" className="chip" onClick={() => onPick(word)}>
            {word}
          </button>
        ))}
      </div>
    </details>
  );
}
