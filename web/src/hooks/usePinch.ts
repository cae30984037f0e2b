// Two fingers on the canvas: the points of the picture under them stay under them. Konva hears nothing of those, so that no region moves with them.
import { useEffect, type RefObject } from "react";
import { fingers, pinched, type Camera, type Fingers } from "../lib/camera";
import { useLatest } from "./small";

const KINDS = ["touchstart", "touchmove", "touchend", "touchcancel"] as const;

/** Zooms and pans what `begin` says it was seen by when the second finger came; `begin` also lets go of what the first one held. */
export function usePinch(room: RefObject<HTMLElement | null>, begin: () => Camera, onCamera: (camera: Camera) => void): void {
  const start = useLatest(begin);
  const see = useLatest(onCamera);
  useEffect(() => {
    const element = room.current;
    if (!element) return;
    let seen: Camera | null = null; // from the second finger on until all are lifted
    let from: { camera: Camera; fingers: Fingers } | null = null; // while two are down
    const touched = (event: TouchEvent) => {
      const down = [...event.touches].filter((touch) => element.contains(touch.target as Node));
      if (!seen && down.length < 2) return;
      event.preventDefault(); // neither the page is zoomed nor a click made of it
      event.stopPropagation();
      seen ??= start();
      const now = fingers(down, element.getBoundingClientRect());
      if (event.type !== "touchmove") from = now && { camera: seen, fingers: now };
      else if (from && now) see((seen = pinched(from.camera, from.fingers, now)));
      if (!down.length) seen = null;
    };
    for (const kind of KINDS) element.addEventListener(kind, touched, { capture: true, passive: false });
    return () => {
      for (const kind of KINDS) element.removeEventListener(kind, touched, { capture: true });
    };
  }, [room, start, see]);
}
