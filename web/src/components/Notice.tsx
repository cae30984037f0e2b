import type { ReactNode } from "react";
import { Problem } from "../api/client";
import { Icon } from "./Icon";

/** What went wrong, in the service's own words, and what one can do. */
export function Notice({ error, children }: { error: Error; children?: ReactNode }) {
  const problem = error instanceof Problem ? error : null;
  return (
    <div className="notice" role="alert">
      <Icon name="warn" />
      <div>
        <strong>{problem?.title ?? "That did not work"}</strong>
        <p>{error.message}</p>
        {problem?.hint && <p className="hint">{problem.hint}</p>}
        {children && <div className="actions">{children}</div>}
      </div>
    </div>
  );
}
