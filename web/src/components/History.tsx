// All that was ever said, as the tree it is: a click goes there.
import { useMemo, useState } from "react";
import type { Turn } from "../api/types";
import { useLooks } from "../hooks/useLook";
import { useWork } from "../hooks/useWorkspace";
import { tree, type Placed } from "../lib/history";
import { ago, said } from "../lib/words";
import { Button } from "./Button";
import { TakePicture } from "./TakePicture";

const ROW = 68; // px, as in the style sheet
const LANE = 16;
const LEFT = 12;

export function History() {
  const { turns, head, busy, goTo } = useWork();
  const { compare } = useLooks();
  const [mark, setMark] = useState<string | null>(null); // one of two to compare
  const placed = useMemo(() => tree(turns, head), [turns, head]);
  const lanes = Math.max(0, ...placed.map((one) => one.lane)) + 1;
  if (!turns.length) return <p className="empty">Every turn is kept here. Going back and saying something else begins a branch.</p>;
  return (
    <div className="panel history">
      <button type="button" className={`beginning ${head === null ? "head" : ""}`} disabled={busy} onClick={() => void goTo(null)}>
        The beginning
      </button>
      <div className="tree" style={{ paddingInlineStart: LEFT + lanes * LANE }}>
        <Lines placed={placed} lanes={lanes} head={head} />
        <ol aria-label="History">
          {placed.map((one) => (
            <Entry
              key={one.turn.id}
              placed={one}
              isHead={one.turn.id === head}
              marked={mark}
              onGo={() => void goTo(one.turn.id)}
              onMark={() => {
                if (!mark || mark === one.turn.id) return setMark(mark ? null : one.turn.id);
                compare(mark, one.turn.id);
                setMark(null);
              }}
            />
          ))}
        </ol>
      </div>
    </div>
  );
}

interface EntryProps {
  placed: Placed;
  isHead: boolean;
  marked: string | null;
  onGo: () => void;
  onMark: () => void;
}

function Entry({ placed: { turn, current }, isHead, marked, onGo, onMark }: EntryProps) {
  const { busy } = useWork();
  return (
    <li className={`entry ${turn.status} ${current ? "on-way" : ""} ${isHead ? "head" : ""}`}>
      <button type="button" className="entry-go" disabled={busy || turn.status === "running"} aria-current={isHead ? "step" : undefined} onClick={onGo}>
        <span className="entry-thumb">{turn.design && <TakePicture turn={turn} alt="" />}</span>
        <span className="entry-text">
          <span className="entry-said">
            {turn.number}. {said(turn)}
          </span>
          <span className="when">{state(turn)}</span>
        </span>
      </button>
      {turn.design && turn.status === "done" && (
        <Button className="entry-compare" aria-pressed={marked === turn.id} onClick={onMark}>
          {marked === turn.id ? "Marked" : marked ? "With this" : "Compare"}
        </Button>
      )}
    </li>
  );
}

const state = (turn: Turn) => ({ failed: "failed", cancelled: "cancelled", waiting: "waits for you", running: "running", done: ago(turn.created) })[turn.status];

/** The branches as lines: straight down in a lane, with a bend where one leaves another. */
function Lines({ placed, lanes, head }: { placed: readonly Placed[]; lanes: number; head: string | null }) {
  const x = (lane: number) => LEFT + lane * LANE;
  const y = (row: number) => row * ROW + ROW / 2;
  return (
    <svg className="lines" width={LEFT + lanes * LANE} height={placed.length * ROW} aria-hidden="true">
      {placed.map(({ turn, row, lane, parent, current }) => {
        const [x0, y0] = parent ? [x(parent.lane), y(parent.row)] : [x(lane), row ? y(row) - ROW / 2 : 0];
        const bend = x0 === x(lane) ? `V${y(row)}` : `V${y(row) - 14} Q${x0} ${y(row)} ${x0 + 10} ${y(row)} H${x(lane)}`;
        return <path key={turn.id} className={current ? "on-way" : ""} d={`M${x0} ${y0} ${bend}`} />;
      })}
      {placed.map(({ turn, row, lane, current }) => (
        <circle key={turn.id} className={`${current ? "on-way" : ""} ${turn.id === head ? "head" : ""}`} cx={x(lane)} cy={y(row)} r={turn.id === head ? 5.5 : 3.5} />
      ))}
    </svg>
  );
}
