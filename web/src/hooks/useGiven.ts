// Files that are dropped or pasted anywhere on the page. Left alone, a browser would leave the page to show a file that was dropped.
import { useEffect, useState } from "react";
import { pasted } from "../lib/beginning";
import { useLatest } from "./small";

/** Calls with what is given, if anything is to be done with it; says whether files are being held over the page. */
export function useGiven(take: ((files: readonly File[]) => void) | null): boolean {
  const [over, setOver] = useState(false);
  const wanted = take !== null;
  const given = useLatest((files: readonly File[]) => take?.(files));
  useEffect(() => {
    if (!wanted) return;
    const holds = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes("Files") ?? false;
    const drag = (event: DragEvent) => {
      if (!holds(event)) return;
      event.preventDefault();
      event.dataTransfer!.dropEffect = "copy";
      setOver(true);
    };
    const leave = (event: DragEvent) => void (event.relatedTarget || setOver(false)); // none where they leave the window
    const drop = (event: DragEvent) => {
      setOver(false);
      if (!holds(event)) return;
      event.preventDefault();
      given([...event.dataTransfer!.files]);
    };
    const paste = (event: ClipboardEvent) => {
      const board = event.clipboardData;
      const meant = board ? pasted([...board.files], board.getData("text/plain")) : [];
      if (!meant.length || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      given(meant);
    };
    window.addEventListener("dragover", drag);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", drop);
    window.addEventListener("paste", paste);
    return () => {
      window.removeEventListener("dragover", drag);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", drop);
      window.removeEventListener("paste", paste);
    };
  }, [wanted, given]);
  return over && wanted;
}
