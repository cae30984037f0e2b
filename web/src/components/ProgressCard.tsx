// A run as it goes, with the picture as it comes to be.
import type { Said } from "../api/api";
import type { Run } from "../api/types";
import { useWork } from "../hooks/useWorkspace";
import { doing, share } from "../lib/events";
import { Asked } from "./Asked";
import { Button } from "./Button";
import { Picture } from "./Picture";

function useAsked(run: Run): Said {
  const { asked, turns } = useWork();
  return turns.find((one) => one.id === run.turn) ?? asked.get(run.id) ?? {};
}

export function ProgressCard({ run }: { run: Run }) {
  const asked = useAsked(run);
  return (
    <article className="turn current" aria-label="In progress">
      <Asked words={asked.words ?? ""} calls={asked.calls ?? []} />
      <Going run={run} />
    </article>
  );
}

/** The moving part: what is being done, how far, a picture, and how to stop it. */
export function Going({ run }: { run: Run }) {
  const { progress, cancel } = useWork();
  const done = share(progress);
  const step = progress.step ? `step ${progress.step.done} of ${progress.step.total}` : "";
  return (
    <div className="going">
      {progress.preview && <Picture path={progress.preview} alt="The picture so far" className="thumb" />}
      <div className="going-text">
        <p>
          <span className="pulse" aria-hidden="true" />
          {doing(progress)}
          {step && <span className="step"> {step}</span>}
        </p>
        <div
          className={`progress ${done === null ? "unknown" : ""}`}
          role="progressbar"
          aria-label="Progress"
          aria-valuemin={0}
          aria-valuemax={100}
          {...(done === null ? {} : { "aria-valuenow": Math.round(done * 100) })}
        >
          <span style={{ inlineSize: `${Math.round((done ?? 0.3) * 100)}%` }} />
        </div>
        {progress.notes.slice(-2).map((note) => (
          <p key={note} className="hint">
            {note}
          </p>
        ))}
        <p className="sr" role="status" aria-live="polite">
          {doing(progress)}
          {progress.step && progress.step.done * 4 >= progress.step.total ? `, ${Math.floor((progress.step.done * 4) / progress.step.total) * 25} %` : ""}
        </p>
      </div>
      <Button icon="stop" onClick={() => void cancel(run.id)}>
        Cancel
      </Button>
    </div>
  );
}

/** A run behind the one that goes. */
export function Queued({ run }: { run: Run }) {
  const { cancel } = useWork();
  const asked = useAsked(run);
  return (
    <article className="turn" aria-label="Waiting">
      <Asked words={asked.words ?? ""} calls={asked.calls ?? []} />
      <p className="meta">
        Waits its turn. <Button onClick={() => void cancel(run.id)}>Cancel</Button>
      </p>
    </article>
  );
}
