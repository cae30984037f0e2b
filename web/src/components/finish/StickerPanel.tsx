import type { StickerSettings } from "../../api/types";
import { useWork } from "../../hooks/useWorkspace";
import type { PanelProps } from "../Finish";
import { Amount, Check, Choice } from "./fields";

const PRESETS = ["plain", "whatsapp", "telegram", "discord", "print"] as const;
const COLOURS = ["white", "black", "yellow", "red", "teal", "navy", "pink"] as const;

export function StickerPanel({ settings, change }: PanelProps) {
  const { meta } = useWork();
  const { sticker } = settings;
  const set = (part: Partial<StickerSettings>) => change({ ...settings, sticker: { ...sticker, ...part } });
  const presets = (meta?.presets as readonly StickerSettings["preset"][] | undefined) ?? PRESETS;
  return (
    <>
      <Choice label="For" value={sticker.preset} options={presets} onChange={(preset) => set({ preset })} />
      <Amount label={sticker.preset === "print" ? "Outline (mm)" : "Outline (px)"} value={sticker.outline} unset="usual" min={0} max={sticker.preset === "print" ? 10 : 40} onChange={(outline) => set({ outline })} />
      <Choice label="Outline colour" value={sticker.colour} options={COLOURS} onChange={(colour) => set({ colour })} />
      <Check label="Shadow" on={sticker.shadow ?? false} onChange={(shadow) => set({ shadow })} />
    </>
  );
}
