// The conversation: what was said, what came of it, and where to say the next thing.
import { useMemo } from "react";
import { usePinned } from "../hooks/usePinned";
import { useWork } from "../hooks/useWorkspace";
import { conversation } from "../lib/conversation";
import { suggestions } from "../lib/words";
import { Asked } from "./Asked";
import { Button } from "./Button";
import { Composer } from "./Composer";
import { Notice } from "./Notice";
import { ProgressCard, Queued } from "./ProgressCard";
import { TurnCard } from "./TurnCard";

export function Chat() {
  const work = useWork();
  const { session, turns, head, run, queue, refusal, unsent, design, locks, busy } = work;
  const shown = useMemo(() => conversation(turns, head), [turns, head]);
  const inTurn = run && shown.some((turn) => turn.id === run.turn);
  const last = shown.at(-1)?.id;
  const { outer, inner, onScroll } = usePinned<HTMLDivElement>(`${last} ${run?.id}`);

  return (
    <div className="chat">
      <div className="turns" ref={outer} onScroll={onScroll}>
        <div ref={inner}>
          {!session && <Loading />}
          {session && !shown.length && !run && <Nothing />}
          <ol aria-label="Turns">
            {shown.map((turn) => (
              <TurnCard key={turn.id} turn={turn} />
            ))}
          </ol>
          {run && !inTurn && <ProgressCard run={run} />}
          {queue.map((waiting) => (
            <Queued key={waiting.id} run={waiting} />
          ))}
          {unsent && (
            <article className="turn">
              <Asked words={unsent.words ?? ""} calls={unsent.calls ?? []} className="unsent" />
              <p className="meta">
                Not sent yet. <Button onClick={work.discard}>Discard</Button>
              </p>
            </article>
          )}
          {refusal && (
            <Notice error={refusal}>
              <Button onClick={work.dismiss}>Dismiss</Button>
            </Notice>
          )}
        </div>
      </div>
      {session && (
        <div className="below">
          {!busy && !!design && (
            <div className="chips suggestions" role="group" aria-label="Suggestions">
              {suggestions(design, locks).map((words) => (
                <button key={words} type="button" className="chip" onClick={() => void work.say({ words })}>
                  {words}
                </button>
              ))}
            </div>
          )}
          <Composer key={session.id} />
        </div>
      )}
    </div>
  );
}

function Loading() {
  return (
    <div className="loading" role="status" aria-label="Loading the conversation">
      <span className="skeleton line" />
      <span className="skeleton block" />
      <span className="skeleton line short" />
    </div>
  );
}

function Nothing() {
  const { turns, redo } = useWork();
  return (
    <div className="empty">
      <p>{turns.length ? "You are back at the beginning." : "Nothing has been said yet."}</p>
      {redo ? <Button icon="redo" onClick={redo}>Go forward again</Button> : <p>Say what to draw, such as “a fox and a balloon at the beach”.</p>}
    </div>
  );
}
