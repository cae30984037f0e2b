// What there is to do while a region's free-form area is being drawn; it stands where the prompt else is.
import { useEffect, useRef } from "react";
import type { Design } from "../api/types";
import type { Area } from "../hooks/useArea";
import { useLooks } from "../hooks/useLook";
import { useWork } from "../hooks/useWorkspace";
import { called } from "../lib/layers";
import { Button } from "./Button";

export function AreaBar({ design, area }: { design: Design; area: Area }) {
  const { busy } = useWork();
  const { shaping } = useLooks();
  const bar = useRef<HTMLDivElement>(null);
  const file = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    bar.current?.focus();
    const pressed = (event: KeyboardEvent) => event.key === "Escape" && area.drop();
    window.addEventListener("keydown", pressed);
    return () => {
      window.removeEventListener("keydown", pressed);
      if (before?.isConnected) before.focus();
    };
  }, [area.drop]); // eslint-disable-line react-hooks/exhaustive-deps -- the rest of an area comes and goes

  if (shaping === null || !design.plan) return null;
  const name = called(design.plan, shaping);
  return (
    <div ref={bar} className="area-bar" role="group" aria-label={`Free area for the ${name}`} tabIndex={-1}>
      <p>{area.ready ? `The ${name} will fill this area. Draw again for another one.` : `Draw around where the ${name} shall be, or take a mask: what is white in it is inside.`}</p>
      {area.error && (
        <p role="alert" className="fault">
          {area.error.message}
        </p>
      )}
      <div className="actions">
        <Button look="primary" icon="check" disabled={!area.ready || area.sending || busy} onClick={() => void area.take()}>
          Draw it there
        </Button>
        <Button disabled={area.sending} onClick={() => file.current?.click()}>
          Mask file …
        </Button>
        <Button onClick={area.drop}>Cancel</Button>
      </div>
      <input
        ref={file}
        type="file"
        hidden
        accept="image/png,image/jpeg,image/webp"
        onChange={(event) => {
          const given = event.target.files?.[0];
          event.target.value = ""; // the same file may be taken again
          if (given) void area.bring(given);
        }}
      />
    </div>
  );
}
