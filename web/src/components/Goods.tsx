// The finished goods: a meme, stickers, or cloth as far as one can see.
import { useState } from "react";
import type { Artifact, Design } from "../api/types";
import { Picture } from "./Picture";

export function Goods({ design, tried }: { design: Design; tried: boolean }) {
  const picture = (kind: string) => design.artifacts.filter((made) => made.kind === kind && made.media_type.startsWith("image/") && !made.media_type.includes("tiff"));
  return (
    <div className={`goods ${design.kind}`}>
      {tried && <p className="tried">Tried out, not kept yet</p>}
      {design.kind === "meme" && picture("meme").slice(0, 1).map((made) => <Picture key={made.sha256} path={made.path} alt={`Meme: ${captions(design)}`} className="meme" />)}
      {design.kind === "sticker" && <Stickers made={picture("sticker")} design={design} />}
      {design.kind === "textile" && <Cloth design={design} tiles={picture("tile")} ways={picture("colourway")} preview={picture("preview")[0]} />}
      {design.kind === "cutout" && <Picture path={design.image} alt={design.brief} />}
    </div>
  );
}

const captions = (design: Design) => (design.plan?.bands ?? []).map((band) => band.text).filter(Boolean).join(" / ") || "no lettering";

function Stickers({ made, design }: { made: Artifact[]; design: Design }) {
  const shown = made.length ? made.map((one) => ({ path: one.path, name: one.name ?? "Sticker" })) : design.cutouts.map((cutout) => ({ path: cutout.image, name: cutout.subject }));
  return (
    <ul className="stickers">
      {shown.map(({ path, name }, index) => (
        <li key={`${path}-${index}`}>
          <Picture path={path} alt={name} />
        </li>
      ))}
    </ul>
  );
}

/** A tile repeated without end; how large it is shown can be chosen. */
function Cloth({ design, tiles, ways, preview }: { design: Design; tiles: Artifact[]; ways: Artifact[]; preview: Artifact | undefined }) {
  const [repeats, setRepeats] = useState(3);
  const [way, setWay] = useState(0);
  const all = [...tiles.slice(0, 1), ...ways];
  const tile = all[way] ?? all[0];
  const textile = design.plan?.finish.textile;
  if (!tile) return preview ? <Picture path={preview.path} alt="Three by three repeats" /> : null;
  const tall = (tile.height ?? 1) / (tile.width ?? 1);
  return (
    <>
      <div className="cloth" role="img" aria-label={`Textile, ${textile?.repeat ?? ""} repeat, ${repeats} tiles wide`} style={{ backgroundImage: `url("${tile.path}")`, backgroundSize: `${100 / repeats}% auto`, aspectRatio: String(1 / Math.min(1.4, Math.max(0.6, tall))) }} />
      <div className="cloth-tools">
        <label>
          <span>Tiles across</span>
          <input type="range" min={1} max={8} value={repeats} onChange={(event) => setRepeats(Number(event.target.value))} />
          <output>{repeats}</output>
        </label>
        {ways.length > 0 && (
          <label>
            <span>Colourway</span>
            <select value={way} onChange={(event) => setWay(Number(event.target.value))}>
              {all.map((_, index) => (
                <option key={index} value={index}>
                  {index ? `Colourway ${index}` : "As drawn"}
                </option>
              ))}
            </select>
          </label>
        )}
        {textile && (
          <span className="hint">
            {textile.repeat}, {textile.width_cm} cm, {textile.dpi} dpi
          </span>
        )}
      </div>
    </>
  );
}
