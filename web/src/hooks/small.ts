// Small things that several components want.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { api } from "../api/api";
import type { Meta } from "../api/types";
import { reachable, visits } from "../api/client";
import { remember, remembered } from "../lib/keep";
import { useStore } from "../lib/store";

/** The session that the address names. */
export function useRoute(): [string | null, (session: string | null) => void] {
  const read = () => /^#\/s\/([\w.-]+)$/.exec(location.hash)?.[1] ?? null;
  const [session, setSession] = useState(read);
  useEffect(() => {
    const changed = () => setSession(read());
    window.addEventListener("hashchange", changed);
    return () => window.removeEventListener("hashchange", changed);
  }, []);
  return [session, useCallback((next) => void (location.hash = next ? `#/s/${next}` : "#/"), [])];
}

export type Theme = "system" | "light" | "dark";

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(() => (remembered("theme") as Theme | null) ?? "system");
  const choose = useCallback((next: Theme) => {
    setTheme(next);
    remember("theme", next === "system" ? null : next);
  }, []);
  const dark = useMedia("(prefers-color-scheme: dark)");
  useEffect(() => {
    document.documentElement.dataset.theme = theme === "system" ? (dark ? "dark" : "light") : theme; // before the first paint theme.js said so
  }, [theme, dark]);
  return [theme, choose];
}

/** Whether a media query holds. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const changed = () => setHolds(list.matches);
    changed();
    list.addEventListener("change", changed);
    return () => list.removeEventListener("change", changed);
  }, [query]);
  return holds;
}

/** Text that survives a reload until it was sent. */
export function useDraft(key: string): [string, (text: string) => void] {
  const [draft, setDraft] = useState(() => remembered(`draft.${key}`) ?? "");
  useEffect(() => setDraft(remembered(`draft.${key}`) ?? ""), [key]);
  const write = useCallback(
    (text: string) => {
      setDraft(text);
      remember(`draft.${key}`, text || null);
    },
    [key],
  );
  return [draft, write];
}

/** What the service can do; asked once, and again where that failed. */
export function useMeta(): Meta | null {
  const [meta, setMeta] = useState<Meta | null>(null);
  const there = useStore(reachable);
  const held = useStore(visits);
  useEffect(() => {
    if (!meta) api.meta().then(setMeta, () => undefined);
  }, [meta, there, held]);
  return meta;
}

/** The size of an element, as it changes. */
export function useSize<T extends HTMLElement>(): [React.RefObject<T | null>, { width: number; height: number }] {
  const ref = useRef<T>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const watch = new ResizeObserver(([entry]) => entry && setSize({ width: entry.contentRect.width, height: entry.contentRect.height }));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  return [ref, size];
}

/** Calls with the newest function, under one name that does not change. */
export function useLatest<A extends unknown[], R>(call: (...args: A) => R): (...args: A) => R {
  const latest = useRef(call);
  useLayoutEffect(() => {
    latest.current = call;
  });
  return useCallback((...args: A) => latest.current(...args), []);
}
