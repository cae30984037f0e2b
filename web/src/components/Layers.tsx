// Subjects from the front to the back, and the background: what is seen, and what may not be changed.
import type { Design } from "../api/types";
import { useLooks } from "../hooks/useLook";
import { useWork } from "../hooks/useWorkspace";
import { place } from "../lib/boxes";
import { layers } from "../lib/layers";
import { IconButton } from "./Button";
import { Picture } from "./Picture";

interface Row {
  region: number;
  subject: string;
  name: string;
  z: number;
  cutout: string | null;
  where: string;
}

/** One row a region, the front one first. */
export function rows(design: Design): Row[] {
  const plan = design.plan;
  if (!plan) return [];
  const cut = layers(design);
  return plan.regions
    .map((region, index) => {
      const cutout = cut.find((one) => one.region === index)?.cutout;
      const name = plan.subjects.find((subject) => subject.id === region.subject)?.phrase ?? region.subject;
      return { region: index, subject: region.subject, name, z: region.z, cutout: cutout?.box ? cutout.image : null, where: place(region.box) };
    })
    .sort((a, b) => b.z - a.z || b.region - a.region);
}

export function Layers() {
  const { design, busy, stands } = useWork();
  const { background, toggleBackground } = useLooks();
  if (!design) return <p className="empty">{busy || stands ? "Layers come with the picture." : "No picture yet."}</p>;
  return (
    <div className="panel">
      <ul className="layers" aria-label="Layers, front first">
        {rows(design).map((row) => (
          <Layer key={row.region} row={row} />
        ))}
        <li className={`layer ${background ? "" : "off"}`}>
          <span className="layer-thumb">
            <Picture path={design.image} alt="" />
          </span>
          <span className="layer-name">
            <span>Background</span>
            <span className="where">{design.plan?.background}</span>
          </span>
          <IconButton icon={background ? "eye" : "eyeOff"} label={`${background ? "Hide" : "Show"} the background`} aria-pressed={!background} onClick={toggleBackground} />
        </li>
      </ul>
      <Facts design={design} />
    </div>
  );
}

function Layer({ row }: { row: Row }) {
  const { locks, call, busy } = useWork();
  const { hidden, toggle, point, select, selected } = useLooks();
  const off = hidden.has(row.region);
  const locked = locks.includes(row.subject);
  const pointing = { onMouseEnter: () => point({ subject: row.subject, region: row.region, heat: true }), onMouseLeave: () => point(null) };
  return (
    <li className={`layer ${off ? "off" : ""} ${selected === row.region ? "chosen" : ""}`} {...pointing}>
      <button type="button" className="layer-open" aria-pressed={selected === row.region} onClick={() => select(row.region)} onFocus={pointing.onMouseEnter} onBlur={pointing.onMouseLeave}>
        <span className="layer-thumb checker">{row.cutout && <Picture path={row.cutout} alt="" />}</span>
        <span className="layer-name">
          <span>{row.name}</span>
          <span className="where">{row.cutout ? row.where : "not found in the picture"}</span>
        </span>
      </button>
      <IconButton icon={locked ? "lock" : "unlock"} label={`${locked ? "Unlock" : "Lock"} ${row.name}`} aria-pressed={locked} disabled={busy} onClick={() => void call(locked ? "unlock" : "lock", { subject: row.subject })} />
      <IconButton icon={off ? "eyeOff" : "eye"} label={`${off ? "Show" : "Hide"} ${row.name}`} aria-pressed={off} disabled={!row.cutout} onClick={() => toggle([row.region])} />
    </li>
  );
}

function Facts({ design }: { design: Design }) {
  return (
    <>
      <dl className="facts">
        <div>
          <dt>Size</dt>
          <dd>
            {design.size[0]} × {design.size[1]}
          </dd>
        </div>
        <div>
          <dt>Seed</dt>
          <dd>{design.seed ?? "–"}</dd>
        </div>
        <div>
          <dt>Model</dt>
          <dd>{design.model}</dd>
        </div>
        <div>
          <dt>Planner</dt>
          <dd>{design.llm}</dd>
        </div>
      </dl>
      {design.notes.length > 0 && (
        <ul className="notes" aria-label="Notes">
          {design.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </>
  );
}
