// Subjects from the front to the back, and the background: what is seen, and what may not be changed.
import { useState } from "react";
import type { Design, Plan } from "../api/types";
import { useLooks } from "../hooks/useLook";
import { useWork } from "../hooks/useWorkspace";
import { place } from "../lib/boxes";
import { called, canGo, fromFront, layers, type Way } from "../lib/layers";
import { ON_PICTURE, byOthers, type Place } from "../lib/places";
import { Button, IconButton } from "./Button";
import { Picture } from "./Picture";

interface Row {
  region: number;
  subject: string;
  name: string;
  called: string;
  cutout: string | null;
  where: string;
}

/** One row a region, the front one first. */
export function rows(design: Design): Row[] {
  const plan = design.plan;
  if (!plan) return [];
  const cut = layers(design);
  return fromFront(plan).map((index) => {
    const region = plan.regions[index]!;
    const cutout = cut.find((one) => one.region === index)?.cutout;
    const name = plan.subjects.find((subject) => subject.id === region.subject)?.phrase ?? region.subject;
    const where = `${region.mask ? "free area, " : ""}${place(region.box)}`;
    return { region: index, subject: region.subject, name, called: called(plan, index), cutout: cutout?.box ? cutout.image : null, where };
  });
}

export function Layers() {
  const { design, busy, stands } = useWork();
  const { background, toggleBackground } = useLooks();
  if (!design) return <p className="empty">{busy || stands ? "Layers come with the picture." : "No picture yet."}</p>;
  return (
    <div className="panel">
      <ul className="layers" aria-label="Layers, front first">
        {rows(design).map((row) => (
          <Layer key={row.region} row={row} plan={design.plan!} />
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

function Layer({ row, plan }: { row: Row; plan: Plan }) {
  const { locks, call, busy } = useWork();
  const { hidden, toggle, point, select, selected } = useLooks();
  const off = hidden.has(row.region);
  const locked = locks.includes(row.subject);
  const go = (z: Way) => void call("move", { subject: row.subject, region: row.region, z });
  const stays = (z: Way) => busy || locked || !canGo(plan, row.region, z);
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
      <span className="layer-order">
        <IconButton icon="forward" label={`Bring ${row.called} forward`} disabled={stays("forward")} onClick={() => go("forward")} />
        <IconButton icon="backward" label={`Send ${row.called} backward`} disabled={stays("backward")} onClick={() => go("backward")} />
      </span>
      <IconButton icon={locked ? "lock" : "unlock"} label={`${locked ? "Unlock" : "Lock"} ${row.name}`} aria-pressed={locked} disabled={busy} onClick={() => void call(locked ? "unlock" : "lock", { subject: row.subject })} />
      <IconButton icon={off ? "eyeOff" : "eye"} label={`${off ? "Show" : "Hide"} ${row.name}`} aria-pressed={off} disabled={!row.cutout} onClick={() => toggle([row.region])} />
      {selected === row.region && <Placing row={row} plan={plan} disabled={busy || locked} />}
    </li>
  );
}

/** Where the chosen one is to be: a place in words, or an area that is drawn. */
function Placing({ row, plan, disabled }: { row: Row; plan: Plan; disabled: boolean }) {
  const { call } = useWork();
  const { shape, shaping } = useLooks();
  const [where, setWhere] = useState("");
  const others = byOthers(plan, row.subject);
  return (
    <div className="layer-place">
      <select aria-label={`Place for ${row.called}`} value={where} disabled={disabled} onChange={(event) => setWhere(event.target.value)}>
        <option value="">Place …</option>
        <Places name="On the picture" places={ON_PICTURE} />
        {others.length > 0 && <Places name="By another" places={others} />}
      </select>
      <Button aria-label={`Move ${row.called} there`} disabled={disabled || !where} onClick={() => void call("move", { subject: row.subject, region: row.region, where })}>
        Move
      </Button>
      <Button icon="lasso" aria-label={`Draw an area for ${row.called}`} title="Draw the area that it is to fill" aria-pressed={shaping === row.region} disabled={disabled} onClick={() => shape(shaping === row.region ? null : row.region)}>
        Area
      </Button>
    </div>
  );
}

function Places({ name, places }: { name: string; places: readonly Place[] }) {
  return (
    <optgroup label={name}>
      {places.map((one) => (
        <option key={one.where} value={one.where}>
          {one.name}
        </option>
      ))}
    </optgroup>
  );
}

function Facts({ design }: { design: Design }) {
  const notes = design.references.length ? design.notes.filter((note) => !note.startsWith("began from the given picture")) : design.notes; // that is seen among the facts
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
        {design.references.map((path) => (
          <div key={path} className="facts-from">
            <dt>Began from</dt>
            <dd>
              <Picture path={path} alt="The picture it began from" />
              {design.follow !== null && <span>at {Math.round(design.follow * 100)} % noise</span>}
            </dd>
          </div>
        ))}
      </dl>
      {notes.length > 0 && (
        <ul className="notes" aria-label="Notes">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </>
  );
}
