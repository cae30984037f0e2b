// The side where the work is seen: picture with regions, finished goods, or two takes side by side.
import { Suspense, lazy, useEffect, useState } from "react";
import { useArea } from "../hooks/useArea";
import { useLooks, type View } from "../hooks/useLook";
import { useSize } from "../hooks/small";
import { useWork } from "../hooks/useWorkspace";
import { fitted, zoomed, type Camera } from "../lib/camera";
import { doing, share } from "../lib/events";
import { AreaBar } from "./AreaBar";
import { IconButton } from "./Button";
import { Compare } from "./Compare";
import { Goods } from "./Goods";
import { Notice } from "./Notice";
import { Picture } from "./Picture";
import { Words } from "./Words";

const Stage = lazy(() => import("./Stage"));

export function Canvas() {
  const { design, busy, progress, session, error, fault, stands } = useWork();
  const { view, pair, proposal, making, shaping } = useLooks();
  const area = useArea(design);
  const [room, size] = useSize<HTMLDivElement>();
  const [camera, setCamera] = useState<Camera | null>(null);
  const [width, height] = design?.size ?? [256, 256];
  const shown: View = view === "compare" && !pair ? "picture" : view;

  useEffect(() => setCamera(null), [width, height, size.width, size.height, design?.id]);
  const seen = camera ?? fitted(width, height, size);
  const zoom = (factor: number) => setCamera(zoomed(seen, factor, size.width / 2, size.height / 2));

  return (
    <div className="canvas" data-design={design?.id}>
      {design && (
        <div className="canvas-bar">
          <Views shown={shown} />
          <span className="grow" />
          {shown === "picture" && (
            <div className="group" role="group" aria-label="Zoom">
              <IconButton icon="minus" label="Zoom out" onClick={() => zoom(1 / 1.25)} />
              <button type="button" className="zoom" title="Picture pixels as screen pixels" onClick={() => setCamera(zoomed(seen, 1 / seen.scale, size.width / 2, size.height / 2))}>
                {Math.round(seen.scale * 100)} %
              </button>
              <IconButton icon="plus" label="Zoom in" onClick={() => zoom(1.25)} />
              <IconButton icon="fit" label="Fit" onClick={() => setCamera(null)} />
            </div>
          )}
        </div>
      )}
      <div className="mat" ref={room}>
        {design && shown === "picture" && size.width > 0 && (
          <Suspense fallback={<span className="mat-wait skeleton" />}>
            <Stage design={design} camera={seen} onCamera={setCamera} size={size} area={area} />
          </Suspense>
        )}
        {design && shown === "goods" && <Goods design={proposal ?? design} tried={proposal !== null} />}
        {shown === "compare" && <Compare />}
        {!design && (busy && progress.preview ? <Picture path={progress.preview} alt="The picture so far" className="growing" /> : <Blank waiting={busy || (!session && !error) || (stands !== null && !fault)} />)}
        {design && busy && shown !== "compare" && progress.preview && <Picture path={progress.preview} alt="The picture so far" className="inset" />}
        {(busy || making) && <Working />}
      </div>
      {design && shown === "picture" && (shaping === null ? <Words design={design} /> : <AreaBar design={design} area={area} />)}
      <DesignFault />
    </div>
  );
}

function Views({ shown }: { shown: View }) {
  const { design } = useWork();
  const { setView, pair, proposal } = useLooks();
  const kind = (proposal ?? design)?.kind;
  const views: { id: View; name: string }[] = [{ id: "picture", name: "Picture" }];
  if (kind && kind !== "cutout") views.push({ id: "goods", name: { sticker: "Sticker", meme: "Meme", textile: "Textile" }[kind] });
  if (pair) views.push({ id: "compare", name: "Compare" });
  if (views.length === 1) return null;
  return (
    <div className="segments" role="group" aria-label="View">
      {views.map(({ id, name }) => (
        <button key={id} type="button" aria-pressed={id === shown} onClick={() => setView(id)}>
          {name}
        </button>
      ))}
    </div>
  );
}

function Blank({ waiting }: { waiting: boolean }) {
  return (
    <div className={`blank ${waiting ? "waiting" : ""}`}>
      <span className="blank-frame" aria-hidden="true" />
      {!waiting && <p>The picture will be here.</p>}
    </div>
  );
}

function Working() {
  const { progress, busy } = useWork();
  const done = busy ? share(progress) : null;
  return (
    <div className={`working ${done === null ? "unknown" : ""}`} aria-hidden="true">
      <span className="bar-of" style={{ inlineSize: `${Math.round((done ?? 0.3) * 100)}%` }} />
      <span className="what">
        {busy ? doing(progress) : "Making it"}
        {busy && progress.step && ` · ${progress.step.done}/${progress.step.total}`}
      </span>
    </div>
  );
}

function DesignFault() {
  const { design, stands, fault } = useWork();
  return fault && !design && stands ? <Notice error={fault} /> : null;
}
