import { useEffect, useRef, useState } from "react";
import { api } from "../api/api";
import type { Design } from "../api/types";
import { useWork } from "../hooks/useWorkspace";
import { Button } from "./Button";
import { Notice } from "./Notice";

interface Way {
  name: string;
  says: string;
  path: string;
  file: string;
}

/** Everything a design can be saved as. */
export function waysOut(design: Design): Way[] {
  const at = (form: string) => `/v1/designs/${design.id}/export?form=${form}`;
  const ending = (path: string, media: string) => `.${media.split("/")[1]?.replace("jpeg", "jpg").replace("svg+xml", "svg") ?? path.split(".").at(-1)}`;
  const goods = design.artifacts
    .filter((made) => ["meme", "tile", "sticker", "sheet", "cmyk"].includes(made.kind))
    .slice(0, 6)
    .map((made) => ({ name: made.kind[0]!.toUpperCase() + made.kind.slice(1), says: made.width ? `${made.width} × ${made.height}, finished` : "finished", path: made.path, file: `${design.id}-${made.kind}${ending(made.path, made.media_type)}` }));
  return [
    ...goods,
    ...(design.image ? [{ name: "PNG", says: "the picture", path: design.image, file: `${design.id}.png` }] : []),
    ...design.cutouts.map((cutout, index) => ({ name: `Cut-out: ${cutout.subject.replaceAll("-", " ")}`, says: "transparent PNG", path: cutout.image, file: `${design.id}-${index + 1}-${cutout.subject}.png` })),
    { name: "PSD", says: "layers, for Photoshop", path: at("psd"), file: `${design.id}.psd` },
    { name: "ORA", says: "layers, for Krita and GIMP", path: at("ora"), file: `${design.id}.ora` },
    { name: "SVG", says: "outlines as curves", path: at("svg"), file: `${design.id}.svg` },
    { name: "ZIP", says: "everything with a manifest", path: at("zip"), file: `${design.id}-bundle.zip` },
    { name: "Receipt", says: "why it was cut there, as a picture", path: at("receipt"), file: `${design.id}-receipt.png` },
    { name: "Run", says: "for another Cutwork", path: at("run"), file: `${design.id}.zip` },
  ];
}

export function ExportMenu() {
  const { design } = useWork();
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState<string | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const ref = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => ref.current?.contains(event.target as Node) || setOpen(false);
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [open]);

  const save = async (way: Way) => {
    setBusy(way.name);
    setError(null);
    try {
      download(await (await api.file(way.path)).blob(), way.file);
      setOpen(false);
    } catch (problem) {
      setError(problem as Error);
    } finally {
      setBusy(null);
    }
  };

  return (
    <div className="menu" ref={ref} onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
      <Button look="primary" icon="export" aria-haspopup="true" aria-expanded={open} disabled={!design?.image} onClick={() => setOpen(!open)}>
        <span className="wide-only">Export</span>
        <span className="narrow-only sr">Export</span>
      </Button>
      {open && design && (
        <div className="menu-list">
          <ul aria-label="Export as">
            {waysOut(design).map((way) => (
              <li key={way.file}>
                <button type="button" disabled={busy !== null} onClick={() => void save(way)}>
                  <span>{busy === way.name ? "Making it …" : way.name}</span>
                  <span className="says">{way.says}</span>
                </button>
              </li>
            ))}
          </ul>
          {error && <Notice error={error} />}
        </div>
      )}
    </div>
  );
}

function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
