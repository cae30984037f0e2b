// A question to the person: each action can be approved, changed or rejected.
import { useState } from "react";
import type { ActionRequest, Decision, Json, Plan, Question, Turn } from "../api/types";
import { useWork } from "../hooks/useWorkspace";
import { Button } from "./Button";
import { Picture } from "./Picture";
import { PlanSketch } from "./PlanSketch";

export function Approval({ turn, question }: { turn: Turn; question: Question }) {
  const { answer, busy } = useWork();
  const [decided, setDecided] = useState<Record<number, Decision>>({});
  const requests = question.action_requests;
  const decide = (index: number, decision: Decision) => {
    const all = { ...decided, [index]: decision };
    setDecided(all);
    if (requests.every((_, i) => all[i])) void answer(turn.id, requests.map((_, i) => all[i]!));
  };
  return (
    <div className="approval" role="group" aria-label="Needs your word">
      {requests.map((request, index) => (
        <Card
          key={index}
          request={request}
          allowed={question.review_configs?.find((config) => config.action_name === request.name)?.allowed_decisions ?? ["approve", "edit", "reject"]}
          decided={decided[index]}
          disabled={busy}
          onDecide={(decision) => decide(index, decision)}
        />
      ))}
    </div>
  );
}

interface CardProps {
  request: ActionRequest;
  allowed: readonly string[];
  decided: Decision | undefined;
  disabled: boolean;
  onDecide: (decision: Decision) => void;
}

function Card({ request, allowed, decided, disabled, onDecide }: CardProps) {
  const [mode, setMode] = useState<"asked" | "edit" | "reject">("asked");
  const plan = request.args.plan as Plan | null | undefined;
  const image = typeof request.args.image === "string" ? request.args.image : null;
  const inWords = !!plan || image !== null; // a plan and a picture are changed by saying what should be different
  const edited = (args: Json) => onDecide({ type: "edit", edited_action: { name: request.name, args } });
  if (decided) return <p className="meta">{{ approve: "Approved.", reject: "Rejected.", edit: "Changed." }[decided.type]}</p>;
  return (
    <div className="approval-card">
      <h3>{plan ? "Is the plan right?" : image ? "Is this right?" : request.name.replaceAll("_", " ")}</h3>
      {request.description && <p>{request.description}</p>}
      {plan && <PlanSketch plan={plan} />}
      {image && <Picture path={`/v1/artifacts/${image}`} alt="The picture in question" className="asked-about" />}
      {mode === "asked" && !inWords && <Shown args={request.args} />}
      {mode === "edit" && inWords && <Different word="Go on with this" onCancel={() => setMode("asked")} onDone={(words) => edited({ words })} />}
      {mode === "edit" && !inWords && <Edited args={request.args} onCancel={() => setMode("asked")} onDone={edited} />}
      {mode === "reject" && <Different word="Reject" onCancel={() => setMode("asked")} onDone={(message) => onDecide({ type: "reject", message })} />}
      {mode === "asked" && (
        <div className="actions">
          {allowed.includes("approve") && (
            <Button look="primary" icon="check" disabled={disabled} onClick={() => onDecide({ type: "approve" })}>
              Approve
            </Button>
          )}
          {allowed.includes("edit") && (
            <Button icon="pencil" disabled={disabled} onClick={() => setMode("edit")}>
              Change
            </Button>
          )}
          {allowed.includes("reject") && (
            <Button icon="close" disabled={disabled} onClick={() => setMode("reject")}>
              Reject
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

const simple = (value: unknown) => value === null || ["string", "number", "boolean"].includes(typeof value);

function Shown({ args }: { args: Json }) {
  const short = Object.entries(args).filter(([, value]) => simple(value) && value !== null && value !== "");
  if (!short.length) return null;
  return (
    <dl className="args">
      {short.map(([name, value]) => (
        <div key={name}>
          <dt>{name.replaceAll("_", " ")}</dt>
          <dd>{String(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Simple values as fields; what has parts as JSON that is checked before it is sent. */
function Edited({ args, onCancel, onDone }: { args: Json; onCancel: () => void; onDone: (args: Json) => void }) {
  const [texts, setTexts] = useState<Record<string, string>>(() =>
    Object.fromEntries(Object.entries(args).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value, null, 1)])),
  );
  const [wrong, setWrong] = useState<string | null>(null);
  const done = () => {
    const made: Json = {};
    for (const [name, text] of Object.entries(texts)) {
      try {
        made[name] = typeof args[name] === "string" ? text : JSON.parse(text);
      } catch {
        return setWrong(name);
      }
    }
    onDone(made);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        done();
      }}
    >
      {Object.entries(texts).map(([name, text]) => (
        <label key={name} className="field">
          <span>{name.replaceAll("_", " ")}</span>
          <textarea rows={Math.min(8, text.split("\n").length)} value={text} spellCheck={false} aria-invalid={wrong === name} onChange={(event) => setTexts({ ...texts, [name]: event.target.value })} />
        </label>
      ))}
      {wrong && <p role="alert">“{wrong.replaceAll("_", " ")}” is not JSON.</p>}
      <div className="actions">
        <Button type="submit" look="primary">
          Go on with this
        </Button>
        <Button onClick={onCancel}>Back</Button>
      </div>
    </form>
  );
}

function Different({ word, onCancel, onDone }: { word: string; onCancel: () => void; onDone: (message: string) => void }) {
  const [message, setMessage] = useState("");
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onDone(message.trim());
      }}
    >
      <label className="field">
        <span>What should be different?</span>
        <textarea rows={2} autoFocus value={message} onChange={(event) => setMessage(event.target.value)} />
      </label>
      <div className="actions">
        <Button type="submit" look={word === "Reject" ? "danger" : "primary"}>
          {word}
        </Button>
        <Button onClick={onCancel}>Back</Button>
      </div>
    </form>
  );
}
