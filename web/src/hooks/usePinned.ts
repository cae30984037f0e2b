import { useEffect, useRef, type RefObject, type UIEvent } from "react";

const NEAR = 90; // px from the end that still count as being there

/** Keeps a scrolled list at its end while it grows, unless one has scrolled up; a new `key` goes to the end again. */
export function usePinned<T extends HTMLElement>(key: unknown): { outer: RefObject<T | null>; inner: RefObject<HTMLDivElement | null>; onScroll: (event: UIEvent<T>) => void } {
  const outer = useRef<T>(null);
  const inner = useRef<HTMLDivElement>(null);
  const pinned = useRef(true);
  useEffect(() => {
    pinned.current = true;
    if (outer.current) outer.current.scrollTop = outer.current.scrollHeight;
  }, [key]);
  useEffect(() => {
    const watch = new ResizeObserver(() => {
      if (pinned.current && outer.current) outer.current.scrollTop = outer.current.scrollHeight;
    });
    for (const element of [outer.current, inner.current]) if (element) watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const onScroll = ({ currentTarget: list }: UIEvent<T>) => {
    pinned.current = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
  };
  return { outer, inner, onScroll };
}
