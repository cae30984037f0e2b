import { Component, type ReactNode } from "react";
import { Button } from "./Button";
import { Notice } from "./Notice";

/** Where the page itself fails: what it says, and a way on. What was made is with the service. */
export class Guarded extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <main className="lost">
        <Notice error={this.state.error}>
          <Button onClick={() => location.reload()}>Load the page again</Button>
        </Notice>
      </main>
    );
  }
}
