// What tsc does not see: promises nobody waits for, hooks out of order, effects that miss what they read.
import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import { defineConfig } from "eslint/config";
import ts from "typescript-eslint";

export default defineConfig(
  { ignores: ["node_modules", "src/api/schema.d.ts"] },
  js.configs.recommended,
  ts.configs.recommendedTypeChecked,
  { languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } } },
  { plugins: { "react-hooks": hooks }, rules: { ...hooks.configs.recommended.rules, "react-hooks/exhaustive-deps": "error", "react-hooks/set-state-in-effect": "off" } }, // another design begins with a clean slate
  { files: ["**/*.js"], extends: [ts.configs.disableTypeChecked], languageOptions: { globals: { document: "readonly", localStorage: "readonly", matchMedia: "readonly" } } },
);
