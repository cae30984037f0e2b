import { useTheme, type Theme } from "../hooks/small";
import { IconButton } from "./Button";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const ICONS = { system: "system", light: "sun", dark: "moon" } as const;
const NAMES = { system: "as the system", light: "light", dark: "dark" };

export function ThemeButton() {
  const [theme, choose] = useTheme();
  return <IconButton icon={ICONS[theme]} label={`Look: ${NAMES[theme]}; change to ${NAMES[NEXT[theme]]}`} onClick={() => choose(NEXT[theme])} />;
}
