// How one looks at the picture: what is pointed at, what is hidden, which view. Nothing of it is kept by the service.
import { createContext, useCallback, useContext, useEffect, useMemo, useState } from "react";
import type { Design } from "../api/types";

export type View = "picture" | "goods" | "compare";

export interface Pointed {
  subject: string;
  region: number | null; // null: all of the subject's
  heat: boolean; // where the model looked too, not only the outline
}

export interface Look {
  view: View;
  setView: (view: View) => void;
  pointed: Pointed | null;
  point: (at: Pointed | null) => void;
  selected: number | null; // region
  select: (region: number | null) => void;
  shaping: number | null; // region whose free-form area is being drawn
  shape: (region: number | null) => void;
  hidden: ReadonlySet<number>; // regions
  background: boolean; // shown
  toggle: (regions: readonly number[]) => void;
  toggleBackground: () => void;
  pair: readonly [string, string] | null; // turns compared
  compare: (a: string, b: string) => void;
  proposal: Design | null; // goods tried out, not kept yet
  propose: (design: Design | null) => void;
  making: boolean; // a proposal is under way
  setMaking: (making: boolean) => void;
}

export const LookContext = createContext<Look | null>(null);

export function useLooks(): Look {
  const look = useContext(LookContext);
  if (!look) throw new Error("useLooks is for parts of a session");
  return look;
}

export function useLook(design: Design | null): Look {
  const [view, setView] = useState<View>("picture");
  const [pointed, point] = useState<Pointed | null>(null);
  const [selected, select] = useState<number | null>(null);
  const [shaping, setShaping] = useState<number | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [background, setBackground] = useState(true);
  const [pair, setPair] = useState<readonly [string, string] | null>(null);
  const [proposal, propose] = useState<Design | null>(null);
  const [making, setMaking] = useState(false);

  useEffect(() => {
    point(null);
    select(null);
    setShaping(null);
    setHidden(new Set());
    setBackground(true);
    propose(null);
    setView((now) => (now === "compare" ? now : design && design.kind !== "cutout" ? "goods" : "picture"));
    // a new design is looked at anew
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [design?.id]);

  const toggle = useCallback(
    (regions: readonly number[]) =>
      setHidden((now) => {
        const next = new Set(now);
        const hide = regions.some((region) => !next.has(region));
        for (const region of regions) if (hide) next.add(region); else next.delete(region);
        return next;
      }),
    [],
  );
  const compare = useCallback((a: string, b: string) => {
    setPair([a, b]);
    setView("compare");
  }, []);
  const shape = useCallback((region: number | null) => {
    setShaping(region);
    if (region !== null) setView("picture");
  }, []);
  const toggleBackground = useCallback(() => setBackground((now) => !now), []);

  return useMemo(
    () => ({ view, setView, pointed, point, selected, select, shaping, shape, hidden, background, toggle, toggleBackground, pair, compare, proposal, propose, making, setMaking }),
    [view, pointed, selected, shaping, shape, hidden, background, toggle, toggleBackground, pair, compare, proposal, making],
  );
}
