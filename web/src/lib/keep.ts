// What this browser remembers. Storage may be full, or forbidden: then nothing is remembered, and nothing breaks.

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(`cutwork.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string | null): void {
  try {
    if (value) localStorage.setItem(`cutwork.${key}`, value);
    else localStorage.removeItem(`cutwork.${key}`);
  } catch {
    // see above
  }
}
