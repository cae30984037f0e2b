// What is made of the picture: nothing is drawn, so every change is seen at once.
import { useEffect, useMemo, useState } from "react";
import type { Wished } from "../api/api";
import type { Design, Finish as Settings, Kind } from "../api/types";
import { useFinish } from "../hooks/useFinish";
import { useWork } from "../hooks/useWorkspace";
import { captions, wish } from "../lib/finish";
import { Button } from "./Button";
import { MemePanel } from "./finish/MemePanel";
import { Notice } from "./Notice";
import { StickerPanel } from "./finish/StickerPanel";
import { TextilePanel } from "./finish/TextilePanel";

export function Finish() {
  const { design } = useWork();
  if (!design?.plan || !design.image) return <p className="empty">Once there is a picture, it becomes a meme, stickers or cloth here.</p>;
  return <Panel key={design.id} design={design} settings={design.plan.finish} />;
}

export interface PanelProps {
  settings: Settings;
  lines: readonly string[]; // captions
  change: (settings: Settings) => void;
  letter: (lines: string[]) => void;
}

const KINDS: readonly { id: Kind; name: string }[] = [
  { id: "cutout", name: "Cut-outs" },
  { id: "sticker", name: "Sticker" },
  { id: "meme", name: "Meme" },
  { id: "textile", name: "Textile" },
];

function Panel({ design, settings }: { design: Design; settings: Settings }) {
  const { busy } = useWork();
  const own = useMemo(() => captions(design), [design]);
  const [now, setNow] = useState(settings);
  const [lines, setLines] = useState<readonly string[]>(own);
  useEffect(() => {
    setNow(settings);
    setLines(own);
  }, [settings, own]);
  const wished: Wished | null = useMemo(() => wish(settings, own, now, lines), [settings, own, now, lines]);
  const trying = useFinish(design, busy ? null : wished);
  const props: PanelProps = { settings: now, lines, change: setNow, letter: setLines };
  return (
    <div className="panel finish">
      <div className="segments" role="group" aria-label="Kind of goods">
        {KINDS.map(({ id, name }) => (
          <button key={id} type="button" aria-pressed={now.kind === id} onClick={() => setNow({ ...now, kind: id })}>
            {name}
          </button>
        ))}
      </div>
      {now.kind === "cutout" && <p className="hint">Each subject on its own transparent layer. Export has them as PNG, PSD, ORA and SVG.</p>}
      {now.kind === "meme" && <MemePanel {...props} />}
      {now.kind === "sticker" && <StickerPanel {...props} />}
      {now.kind === "textile" && <TextilePanel {...props} />}
      {trying.error && <Notice error={trying.error} />}
      <p className="hint" role="status">
        {trying.busy ? "Making it …" : wished ? "Tried out on the canvas." : "As it stands."}
      </p>
      <div className="actions">
        <Button look="primary" icon="check" disabled={!wished || busy} onClick={() => void trying.keep()}>
          Keep it
        </Button>
        <Button
          disabled={!wished}
          onClick={() => {
            setNow(settings);
            setLines(own);
          }}
        >
          Put back
        </Button>
      </div>
    </div>
  );
}
