// What was measured, in plain words.
import { useLooks } from "../hooks/useLook";
import { useWork } from "../hooks/useWorkspace";
import { judged, verdicts, type Line, type Verdict } from "../lib/receipt";
import { Icon } from "./Icon";

export function ReceiptPanel() {
  const { design } = useWork();
  if (!design) return <p className="empty">What is measured of a picture is told here.</p>;
  const whole = judged(design);
  return (
    <div className="panel receipt">
      <div className={`judged ${whole.good ? "good" : ""}`}>
        <Icon name={whole.good ? "check" : "warn"} />
        <div>
          <strong>{whole.title}</strong>
          <p>{whole.words}</p>
        </div>
      </div>
      {verdicts(design).map((verdict) => (
        <Subject key={verdict.region} verdict={verdict} />
      ))}
    </div>
  );
}

function Subject({ verdict }: { verdict: Verdict }) {
  const { point } = useLooks();
  const at = { subject: verdict.subject, region: verdict.region, heat: true };
  return (
    <section className="measured" onMouseEnter={() => point(at)} onMouseLeave={() => point(null)}>
      <h3>{verdict.title}</h3>
      <ul>
        {verdict.lines.map((line) => (
          <Measure key={line.name} line={line} />
        ))}
      </ul>
      {verdict.findings.map((finding) => (
        <p key={finding} className="finding">
          <Icon name="warn" size={14} /> {finding}
        </p>
      ))}
    </section>
  );
}

function Measure({ line }: { line: Line }) {
  return (
    <li className={line.good === null ? "" : line.good ? "good" : "poor"}>
      <span className="measure-name">{line.name}</span>
      <span className="gauge" aria-hidden="true">
        <span style={{ inlineSize: `${Math.round(Math.min(1, Math.max(0, line.share)) * 100)}%` }} />
      </span>
      <span className="measure-words">{line.words}</span>
    </li>
  );
}
