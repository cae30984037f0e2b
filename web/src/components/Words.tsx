import { useMemo } from "react";
import type { Design } from "../api/types";
import { useLooks } from "../hooks/useLook";
import { pieces } from "../lib/prompt";

/** The prompt; pointing at a subject's words shows where the model looked for them. */
export function Words({ design }: { design: Design }) {
  const { point, pointed } = useLooks();
  const words = useMemo(() => (design.plan ? pieces(design.plan) : []), [design.plan]);
  if (!words.length) return null;
  return (
    <p className="words">
      {words.map(({ text, subject }, index) =>
        subject ? (
          <button
            key={index}
            type="button"
            title="Where the model looked for this"
            aria-pressed={pointed?.subject === subject && pointed.heat}
            onMouseEnter={() => point({ subject, region: null, heat: true })}
            onMouseLeave={() => point(null)}
            onFocus={() => point({ subject, region: null, heat: true })}
            onBlur={() => point(null)}
            onClick={() => point({ subject, region: null, heat: true })}
          >
            {text}
          </button>
        ) : (
          <span key={index}>{text}</span>
        ),
      )}
    </p>
  );
}
