// Fields of the finishing panels.
import type { ReactNode } from "react";

export function Field({ label, children, hint }: { label: string; children: ReactNode; hint?: string }) {
  return (
    <label className="field">
      <span>{label}</span>
      {children}
      {hint && <small className="hint">{hint}</small>}
    </label>
  );
}

export function Choice<T extends string>({ label, value, options, onChange }: { label: string; value: T; options: readonly T[]; onChange: (value: T) => void }) {
  return (
    <Field label={label}>
      <select value={value} onChange={(event) => onChange(event.target.value as T)}>
        {[...new Set([value, ...options])].sort((a, b) => options.indexOf(a) - options.indexOf(b)).map((option) => (
          <option key={option} value={option}>
            {option.replaceAll("-", " ").replace(/^./, (first) => first.toUpperCase())}
          </option>
        ))}
      </select>
    </Field>
  );
}

interface NumberProps {
  label: string;
  value: number | null;
  unset?: string; // what no value means; without it there must be one
  min: number;
  max: number;
  step?: number;
  onChange: (value: number | null) => void;
}

/** A number by slider and by keys; it may be left to what suits. */
export function Amount({ label, value, unset, min, max, step = 1, onChange }: NumberProps) {
  return (
    <div className="field amount">
      <span id={`amount-${label}`}>{label}</span>
      <div className="amount-row">
        <input type="range" aria-labelledby={`amount-${label}`} min={min} max={max} step={step} value={value ?? min} onChange={(event) => onChange(Number(event.target.value))} />
        <input
          type="number"
          aria-labelledby={`amount-${label}`}
          min={min}
          max={max}
          step={step}
          placeholder={unset}
          value={value ?? ""}
          onChange={(event) => {
            const given = event.target.value === "" ? null : Number(event.target.value);
            if (given === null ? unset !== undefined : given >= min && given <= max) onChange(given);
          }}
        />
      </div>
    </div>
  );
}

export function Check({ label, on, onChange }: { label: string; on: boolean; onChange: (on: boolean) => void }) {
  return (
    <label className="check">
      <input type="checkbox" checked={on} onChange={(event) => onChange(event.target.checked)} />
      <span>{label}</span>
    </label>
  );
}
