// Builds the page into the Python package, so that a pip user needs no node. `npm run dev` hands /v1 on to a running `cutwork serve`.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

declare const process: { env: Record<string, string | undefined> }; // node's; nothing else of it is used

const service = process.env.CUTWORK_SERVICE ?? "http://127.0.0.1:8765";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../cutwork/web",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // no data: addresses, so that a strict content policy can hold
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    license: { fileName: "licenses.md" },
  },
  server: { proxy: { "/v1": { target: service, changeOrigin: true }, "/healthz": { target: service, changeOrigin: true } } },
  test: { include: ["test/**/*.test.ts"] },
});
