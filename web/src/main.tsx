import "@fontsource-variable/geist/wght.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/chat.css";
import "./styles/canvas.css";
import "./styles/panels.css";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { Guarded } from "./components/Guarded";

createRoot(document.getElementById("root")!).render(
  <Guarded>
    <App />
  </Guarded>,
);
