import { reachable } from "../api/client";
import { useStore } from "../lib/store";

export function Offline() {
  const there = useStore(reachable);
  return (
    <div role="status" aria-live="polite">
      {!there && (
        <div className="banner">
          <span className="pulse" aria-hidden="true" />
          The service cannot be reached. Nothing you typed is lost; it goes on by itself as soon as the service answers.
        </div>
      )}
    </div>
  );
}
