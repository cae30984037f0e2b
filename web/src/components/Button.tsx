import type { ComponentProps } from "react";
import { Icon, type IconName } from "./Icon";

type Plain = ComponentProps<"button">;

/** A button that is only an icon; `label` is what it is called, and its tooltip. */
export function IconButton({ icon, label, className = "", ...rest }: Plain & { icon: IconName; label: string }) {
  return (
    <button type="button" className={`icon-button ${className}`} aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </button>
  );
}

export function Button({ look = "quiet", icon, className = "", children, ...rest }: Plain & { look?: "quiet" | "primary" | "danger"; icon?: IconName }) {
  return (
    <button type="button" className={`button ${look} ${className}`} {...rest}>
      {icon && <Icon name={icon} size={16} />}
      {children}
    </button>
  );
}
