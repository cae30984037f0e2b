import { useEffect } from "react";
import { useLatest } from "./small";
import type { Workspace } from "./useWorkspace";

/** Ctrl+Z and Ctrl+Shift+Z go through the history, except where text is being written. */
export function useShortcuts({ undo, redo }: Pick<Workspace, "undo" | "redo">): void {
  const pressed = useLatest((event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    const writing = target.closest<HTMLInputElement>("textarea, input:not([type=range]):not([type=checkbox]), [contenteditable]");
    if (!(event.ctrlKey || event.metaKey) || event.altKey || writing?.value) return;
    const key = event.key.toLowerCase();
    const act = key === "z" ? (event.shiftKey ? redo : undo) : key === "y" ? redo : null;
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    act?.();
  });
  useEffect(() => {
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [pressed]);
}
