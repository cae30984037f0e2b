// One turn: what was said, what was answered, what changed, what it cost.
import type { Turn } from "../api/types";
import { useLooks } from "../hooks/useLook";
import { useWork } from "../hooks/useWorkspace";
import { again } from "../lib/beginning";
import { siblings } from "../lib/conversation";
import { cost } from "../lib/words";
import { Approval } from "./Approval";
import { Asked } from "./Asked";
import { Button, IconButton } from "./Button";
import { Icon } from "./Icon";
import { Going } from "./ProgressCard";
import { TakePicture } from "./TakePicture";

export function TurnCard({ turn }: { turn: Turn }) {
  const { head, run } = useWork();
  const going = run?.turn === turn.id ? run : null;
  return (
    <li>
      <article className={`turn ${turn.status} ${turn.id === head ? "current" : ""}`} aria-label={`Turn ${turn.number}`}>
        <Asked words={turn.words} calls={turn.calls} />
        {going ? <Going run={going} /> : <Answer turn={turn} />}
      </article>
    </li>
  );
}

function Answer({ turn }: { turn: Turn }) {
  const { say, busy, turns } = useWork();
  const parent = turns.find((one) => one.id === turn.parent);
  const drew = turn.design !== null && turn.design !== parent?.design;
  const changes = turn.changes.filter((change) => !turn.reply.toLowerCase().includes(change.toLowerCase()));
  const retry = () => void say(again(turn));
  return (
    <div className="answer">
      {drew && <Thumbnail turn={turn} />}
      {turn.reply && turn.status !== "failed" && <p className="reply">{turn.reply}</p>}
      {turn.status === "cancelled" && <p className="meta">Cancelled.</p>}
      {turn.status === "failed" && (
        <p className="fault">
          <Icon name="warn" size={16} /> {turn.error ?? "That failed."}
        </p>
      )}
      {turn.status === "running" && <p className="meta">Was interrupted; it goes on by itself when the service is back.</p>}
      {turn.status === "waiting" && turn.question && <Approval key={JSON.stringify(turn.question)} turn={turn} question={turn.question} />}
      {changes.length > 0 && (
        <ul className="changes">
          {changes.map((change) => (
            <li key={change}>{change}</li>
          ))}
        </ul>
      )}
      {turn.frozen && (
        <p className="frozen">
          <Icon name="shield" size={15} /> Every pixel outside the edited area is as it was.
        </p>
      )}
      <div className="meta">
        <span>{cost(turn.cost)}</span>
        <Branches turn={turn} />
        {(turn.status === "failed" || turn.status === "cancelled") && (
          <Button icon="retry" disabled={busy} onClick={retry}>
            Try again
          </Button>
        )}
      </div>
    </div>
  );
}

function Thumbnail({ turn }: { turn: Turn }) {
  const { goTo, head, busy } = useWork();
  const { setView } = useLooks();
  return (
    <button type="button" className="thumb-button" disabled={busy && turn.id !== head} onClick={() => (turn.id === head ? setView("picture") : void goTo(turn.id))} title={`Go to take ${turn.number}`}>
      <TakePicture turn={turn} alt={`Take ${turn.number}`} className="thumb" />
      <span className="take">{turn.number}</span>
    </button>
  );
}

/** Where other branches begin at the same place, a way to them. */
function Branches({ turn }: { turn: Turn }) {
  const { turns, goTo, busy } = useWork();
  const all = siblings(turns, turn);
  const at = all.findIndex((one) => one.id === turn.id);
  if (all.length < 2) return null;
  const go = (by: number) => void goTo(all[at + by]?.id ?? turn.id);
  return (
    <span className="branches" role="group" aria-label="Branches">
      <IconButton icon="back" label="Previous branch" disabled={busy || at === 0} onClick={() => go(-1)} />
      {at + 1} of {all.length}
      <IconButton icon="chevron" label="Next branch" disabled={busy || at === all.length - 1} onClick={() => go(1)} />
    </span>
  );
}
