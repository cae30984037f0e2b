// Two takes, one over the other, with a line between that one drags.
import { useEffect, useState } from "react";
import { api } from "../api/api";
import type { Comparison, Turn } from "../api/types";
import { shown, useDesign } from "../hooks/useDesign";
import { useLooks } from "../hooks/useLook";
import { useWork } from "../hooks/useWorkspace";
import { said } from "../lib/words";
import { IconButton } from "./Button";
import { Picture } from "./Picture";

/** Takes: turns that made a design of their own. */
function useTakes(): Turn[] {
  const { turns } = useWork();
  return turns.filter((turn) => turn.design && turn.status === "done" && turns.find((one) => one.id === turn.parent)?.design !== turn.design);
}

export function CompareButton() {
  const { stands, turns } = useWork();
  const { compare, setView, view } = useLooks();
  const takes = useTakes();
  const now = takes.findLast((turn) => turn.design === stands?.design);
  const other = now && (takes.find((turn) => turn.id === now.parent) ?? takes.findLast((turn) => turn.number < now.number) ?? takes.find((turn) => turn !== now));
  const open = view === "compare";
  return (
    <IconButton
      icon="compare"
      label={open ? "Close the comparison" : "Compare two takes"}
      aria-pressed={open}
      disabled={!turns.length || (!open && !(now && other))}
      onClick={() => (open ? setView("picture") : now && other && compare(other.id, now.id))}
    />
  );
}

export function Compare() {
  const { session, turns } = useWork();
  const { pair, compare } = useLooks();
  const [at, setAt] = useState(50);
  const takes = useTakes();
  const [a, b] = [turns.find((turn) => turn.id === pair?.[0]) ?? null, turns.find((turn) => turn.id === pair?.[1]) ?? null];
  const first = useDesign(a?.design ?? null).design;
  const second = useDesign(b?.design ?? null).design;
  const words = useComparison(session?.id ?? null, a, b);
  if (!a || !b) return null;
  return (
    <div className="compare">
      <div className="compare-takes">
        <Pick label="Left" takes={takes} chosen={a.id} onChoose={(id) => compare(id, b.id)} />
        <Pick label="Right" takes={takes} chosen={b.id} onChoose={(id) => compare(a.id, id)} />
      </div>
      <div className="compare-frame">
        <Picture path={first && shown(first)} alt={`Take ${a.number}`} />
        <div className="compare-over" style={{ clipPath: `inset(0 0 0 ${at}%)` }}>
          <Picture path={second && shown(second)} alt={`Take ${b.number}`} />
        </div>
        <span className="compare-line" style={{ insetInlineStart: `${at}%` }} aria-hidden="true" />
        <input type="range" min={0} max={100} value={at} aria-label="How much of the left take is seen" onChange={(event) => setAt(Number(event.target.value))} />
      </div>
      {words.length > 0 && (
        <ul className="compare-words">
          {words.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Pick({ label, takes, chosen, onChoose }: { label: string; takes: Turn[]; chosen: string; onChoose: (id: string) => void }) {
  return (
    <label>
      <span className="sr">{label}</span>
      <select value={chosen} onChange={(event) => onChoose(event.target.value)}>
        {takes.map((turn) => (
          <option key={turn.id} value={turn.id}>
            {turn.number}. {said(turn).slice(0, 60)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** What differs, in the service's words. */
function useComparison(session: string | null, a: Turn | null, b: Turn | null): string[] {
  const [words, setWords] = useState<string[]>([]);
  const [left, right] = [a?.id, b?.id];
  useEffect(() => {
    setWords([]);
    if (!session || !left || !right || left === right) return;
    let wanted = true;
    api.compare(session, left, right).then(
      (found) => wanted && setWords(told(found)),
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [session, left, right]);
  return words;
}

function told({ differences, changed }: Comparison): string[] {
  return [...differences, ...(changed === null ? [] : [`${(changed * 100).toFixed(changed < 0.1 ? 1 : 0)} % of the pixels differ`])];
}
