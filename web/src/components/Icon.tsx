// Line icons on a 20 × 20 grid. Decoration: whoever uses one says in words what it does.

const PATHS = {
  menu: "M3 5.5h14M3 10h14M3 14.5h9",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  close: "M5 5l10 10M15 5L5 15",
  undo: "M7.5 4L3.5 8l4 4M4 8h7.5a5 5 0 0 1 0 10H8",
  redo: "M12.5 4l4 4-4 4M16 8H8.5a5 5 0 0 0 0 10H12",
  send: "M10 16V4M5 9l5-5 5 5",
  stop: "M6 6h8v8H6z",
  eye: "M2 10s3-5.5 8-5.5S18 10 18 10s-3 5.5-8 5.5S2 10 2 10zM10 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  eyeOff: "M3 3l14 14M8 4.7A8 8 0 0 1 10 4.5c5 0 8 5.5 8 5.5a14 14 0 0 1-2.4 3M5 6.3A13 13 0 0 0 2 10s3 5.5 8 5.5a8 8 0 0 0 3.3-.7",
  lock: "M5.5 9h9v7.5h-9zM7 9V6.5a3 3 0 0 1 6 0V9",
  unlock: "M5.5 9h9v7.5h-9zM7 9V6.5a3 3 0 0 1 5.8-1",
  export: "M10 3v9M6.5 6L10 2.8 13.5 6M4 11v5.5h12V11",
  compare: "M10 3v14M3.5 5.5h4v9h-4M12.5 5.5h4v9h-4",
  fit: "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4",
  sun: "M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1",
  moon: "M16 11.5A6.5 6.5 0 0 1 8.5 4a6.5 6.5 0 1 0 7.5 7.5z",
  system: "M3 4.5h14v9H3zM7 17h6M10 13.5V17",
  trash: "M4 6h12M8 6V4h4v2M5.5 6l.7 10.5h7.6L14.5 6M8.5 9v5M11.5 9v5",
  pencil: "M4 16l.8-3.5L13 4.3l2.7 2.7-8.2 8.2L4 16z",
  search: "M9 14A5 5 0 1 0 9 4a5 5 0 0 0 0 10zM12.8 12.8L17 17",
  shield: "M10 2.5l6 2.3v4.7c0 4-2.5 6.5-6 8-3.5-1.5-6-4-6-8V4.8zM7.3 10l2 2 3.5-4",
  check: "M4 10.5l4 4 8-9",
  warn: "M10 3l8 14H2zM10 8v4M10 14.5v.1",
  retry: "M15.5 6.5A6.5 6.5 0 1 0 16.5 11M16 3v4h-4",
  chevron: "M7.5 5l5 5-5 5",
  back: "M12.5 5l-5 5 5 5",
  dot: "M10 10h.01",
  heat: "M10 17c3.3 0 5.5-2.2 5.5-5.2 0-3.8-3.5-5-3.5-8.8-3.5 1.5-3.8 4.3-3.8 5.8C7 8.5 6.6 7.5 6.6 6.5 5.2 7.8 4.5 9.7 4.5 11.8 4.5 14.8 6.7 17 10 17z",
  forward: "M10 15.5v-11M5.5 9L10 4.5 14.5 9",
  backward: "M10 4.5v11M5.5 11L10 15.5 14.5 11",
  lasso: "M10 3.5c4.4 0 7.5 2 7.5 4.7s-3.1 4.8-7.5 4.8-7.5-2-7.5-4.8S5.6 3.5 10 3.5zM6 12.5c-1.6.3-1.8 2.3-.3 2.6 1.6.4 2 1.3.8 2.4",
  image: "M3 4h14v12H3zM3 13l4-3.5 3.5 3 2.5-2 4 3.5M12.7 7.5h.1",
  frame: "M4 6.5V4h2.5M13.5 4H16v2.5M16 13.5V16h-2.5M6.5 16H4v-2.5M8 10h4",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
