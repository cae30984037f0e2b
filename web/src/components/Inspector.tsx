import { useState } from "react";
import { useWork } from "../hooks/useWorkspace";
import { Finish } from "./Finish";
import { History } from "./History";
import { Layers } from "./Layers";
import { ReceiptPanel } from "./ReceiptPanel";
import { Tabs } from "./Tabs";

type Panel = "layers" | "finish" | "receipt" | "history";

export function Inspector() {
  const { turns } = useWork();
  const [panel, setPanel] = useState<Panel>("layers");
  return (
    <Tabs
      label="Inspector"
      chosen={panel}
      onChoose={setPanel}
      tabs={[
        { id: "layers", name: "Layers", panel: () => <Layers /> },
        { id: "finish", name: "Finish", panel: () => <Finish /> },
        { id: "receipt", name: "Receipt", panel: () => <ReceiptPanel /> },
        { id: "history", name: "History", badge: turns.length ? String(turns.length) : undefined, panel: () => <History /> },
      ]}
    />
  );
}
