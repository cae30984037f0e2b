// Where a free-form area is drawn: over the picture, by mouse, pen or one finger. A second finger lets go of the line; two zoom and pan.
import { useState, type PointerEvent } from "react";
import type { Design } from "../api/types";
import type { Area } from "../hooks/useArea";
import { under, zoomed, type Camera } from "../lib/camera";
import { drawn, path, type Point } from "../lib/lasso";

interface Props {
  design: Design;
  camera: Camera;
  onCamera: (camera: Camera) => void;
  area: Area;
}

export function Lasso({ design, camera, onCamera, area }: Props) {
  const [live, setLive] = useState<readonly Point[] | null>(null); // while the pointer is down
  const [width, height] = design.size;
  const line = live ?? area.line;

  const at = (event: PointerEvent): Point => {
    const room = event.currentTarget.getBoundingClientRect();
    const [x, y] = under(camera, event.clientX - room.x, event.clientY - room.y);
    return [x / width, y / height];
  };

  return (
    <svg
      className="lasso"
      onPointerDown={(event) => {
        if (!event.isPrimary || event.button !== 0) return setLive(null);
        event.currentTarget.setPointerCapture(event.pointerId);
        setLive(drawn([], at(event)));
      }}
      onPointerMove={(event) => live && event.isPrimary && setLive(drawn(live, at(event)))}
      onPointerUp={(event) => {
        if (!live || !event.isPrimary) return;
        setLive(null);
        area.draw(live);
      }}
      onPointerCancel={() => setLive(null)}
      onWheel={(event) => {
        const room = event.currentTarget.getBoundingClientRect();
        onCamera(zoomed(camera, Math.exp(-event.deltaY * 0.0015), event.clientX - room.x, event.clientY - room.y));
      }}
    >
      <g transform={`translate(${camera.x} ${camera.y}) scale(${camera.scale})`}>
        <path className="halo" d={path(line, [width, height], live === null)} />
        <path className={live ? "" : "closed"} d={path(line, [width, height], live === null)} />
      </g>
    </svg>
  );
}
