// The regions for those who use keys or a screen reader: one button each, where it stands on the picture.
import type { KeyboardEvent } from "react";
import type { Design } from "../api/types";
import { useLooks } from "../hooks/useLook";
import type { Regions } from "../hooks/useRegions";
import { useWork } from "../hooks/useWorkspace";
import { NUDGE, moved, place, resized } from "../lib/boxes";
import type { Camera } from "../lib/camera";
import { canGo, type Way } from "../lib/layers";
import { Icon } from "./Icon";

interface Props {
  design: Design;
  regions: Regions;
  camera: Camera;
  fixed: ReadonlySet<number>;
}

const WAYS: Record<string, Way> = { "]": "forward", "[": "backward" };
const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function RegionKeys({ design, regions, camera, fixed }: Props) {
  const { locks, call } = useWork();
  const { selected, select, point } = useLooks();
  const [width, height] = design.size;

  const pressed = (event: KeyboardEvent, index: number) => {
    const box = regions.boxes[index]!;
    const arrow = ARROWS[event.key];
    const way = WAYS[event.key];
    const { plan } = design;
    if (way && plan && !fixed.has(index)) {
      if (canGo(plan, index, way)) void call("move", { subject: plan.regions[index]!.subject, region: index, z: way });
      return;
    }
    if (event.key === "Escape") return regions.reset();
    if (event.key === "Enter" && regions.draft === index) {
      event.preventDefault();
      return regions.commit(index);
    }
    if (!arrow || fixed.has(index)) return;
    event.preventDefault();
    const [dx, dy] = [arrow[0] * NUDGE, arrow[1] * NUDGE];
    regions.put(index, event.shiftKey ? resized(box, dx, dy) : moved(box, dx, dy));
  };

  return (
    <ul className="regions" aria-label="Regions: arrow keys move, Shift and arrow keys resize, Enter draws it, Escape puts it back, ] brings it forward, [ sends it backward">
      {(design.plan?.regions ?? []).map((region, index) => {
        const box = regions.boxes[index]!;
        const name = design.plan?.subjects.find((subject) => subject.id === region.subject)?.noun ?? region.subject;
        const locked = locks.includes(region.subject);
        return (
          <li
            key={index}
            style={{ left: camera.x + box[0] * width * camera.scale, top: camera.y + box[1] * height * camera.scale, width: (box[2] - box[0]) * width * camera.scale, height: (box[3] - box[1]) * height * camera.scale }}
          >
            <button
              type="button"
              className={selected === index ? "chosen" : ""}
              aria-pressed={selected === index}
              aria-label={`${name}: ${region.mask ? "free area, " : ""}${place(box)}${locked ? ", locked" : ""}${regions.draft === index ? ", moved: Enter draws it" : ""}`}
              onFocus={(event) => {
                if (!event.target.matches(":focus-visible")) return;
                select(index);
                point({ subject: region.subject, region: index, heat: false });
              }}
              onBlur={() => point(null)}
              onClick={() => select(index)}
              onKeyDown={(event) => pressed(event, index)}
            >
              <span className="region-name">
                {locked && <Icon name="lock" size={12} />}
                {name}
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
