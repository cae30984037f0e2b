import { useEffect, useRef, type ReactNode } from "react";

/** A modal dialog; Escape and a click beside it close it. Without `onClose` it stays. */
export function Dialog({ open, label, className = "", onClose, children }: { open: boolean; label: string; className?: string; onClose?: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  }, [open]);
  return (
    <dialog
      ref={ref}
      className={className}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClose={() => {
        if (!open) return;
        if (onClose) onClose();
        else ref.current?.showModal(); // browsers close it for whoever presses Escape twice
      }}
      onClick={(event) => event.target === ref.current && onClose?.()}
    >
      {open && children}
    </dialog>
  );
}
