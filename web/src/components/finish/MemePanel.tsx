import { useWork } from "../../hooks/useWorkspace";
import type { PanelProps } from "../Finish";
import { Check, Choice, Field } from "./fields";

const LAYOUTS = ["top-bottom", "bar", "labels", "panels"] as const;

export function MemePanel({ settings, lines, change, letter }: PanelProps) {
  const { meta } = useWork();
  const { meme } = settings;
  const set = (part: Partial<typeof meme>) => change({ ...settings, meme: { ...meme, ...part } });
  const write = (at: number, text: string) => {
    const next = [...lines];
    while (next.length <= at) next.push("");
    next[at] = text;
    letter(next);
  };
  const classic = meme.layout === "top-bottom";
  return (
    <>
      {classic ? (
        <>
          <Field label="Top">
            <input value={lines[0] ?? ""} maxLength={200} onChange={(event) => write(0, event.target.value)} />
          </Field>
          <Field label="Bottom">
            <input value={lines[1] ?? ""} maxLength={200} onChange={(event) => write(1, event.target.value)} />
          </Field>
        </>
      ) : (
        <Field label="Lines" hint={meme.layout === "labels" ? "One a line, such as “cat: me on Monday”" : "One a line"}>
          <textarea rows={4} value={lines.join("\n")} onChange={(event) => letter(event.target.value.split("\n").slice(0, 8))} />
        </Field>
      )}
      <Choice label="Layout" value={meme.layout} options={LAYOUTS} onChange={(layout) => set({ layout })} />
      <Choice label="Font" value={meme.font} options={meta?.fonts ?? ["anton", "sofia", "noto"]} onChange={(font) => set({ font })} />
      <Check label="Capitals" on={meme.upper} onChange={(upper) => set({ upper })} />
    </>
  );
}
