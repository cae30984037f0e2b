import type { TextileSettings } from "../../api/types";
import { useWork } from "../../hooks/useWorkspace";
import type { PanelProps } from "../Finish";
import { Amount, Choice, Field } from "./fields";

const REPEATS = ["straight", "half-drop", "half-brick", "mirror", "hexagonal", "ogee", "tossed"] as const;

export function TextilePanel({ settings, change }: PanelProps) {
  const { meta } = useWork();
  const { textile } = settings;
  const set = (part: Partial<TextileSettings>) => change({ ...settings, textile: { ...textile, ...part } });
  return (
    <>
      <Choice label="Repeat" value={textile.repeat} options={(meta?.repeats as typeof REPEATS | undefined) ?? REPEATS} onChange={(repeat) => set({ repeat })} />
      <Amount label="Spot colours" value={textile.colours} unset="all" min={2} max={16} onChange={(colours) => set({ colours })} />
      <Amount label="Colourways" value={textile.colourways} min={0} max={6} onChange={(colourways) => set({ colourways: colourways ?? 0 })} />
      <Amount label="Width (cm)" value={textile.width_cm} min={4} max={64} onChange={(width_cm) => set({ width_cm: width_cm ?? 16 })} />
      <Amount label="Resolution (dpi)" value={textile.dpi} min={72} max={300} step={6} onChange={(dpi) => set({ dpi: dpi ?? 150 })} />
      <Amount label="Gap (mm)" value={textile.gap_mm} min={0} max={40} onChange={(gap_mm) => set({ gap_mm: gap_mm ?? 4 })} />
      <Field label="Ground" hint="A colour's name or #rrggbb; empty: as the picture's background">
        <input key={textile.ground ?? ""} defaultValue={textile.ground ?? ""} onBlur={(event) => set({ ground: event.target.value.trim() || null })} onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} />
      </Field>
      <Field label="Palette" hint="Colours to keep to, with commas between">
        <input key={settings.palette.join()} defaultValue={settings.palette.join(", ")} onBlur={(event) => change({ ...settings, palette: event.target.value.split(",").map((name) => name.trim()).filter(Boolean) })} onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()} />
      </Field>
    </>
  );
}
