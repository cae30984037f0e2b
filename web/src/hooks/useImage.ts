// Decoded images of the service, for drawing with them.
import { useEffect, useState } from "react";

const MOST = 80; // images kept
const images = new Map<string, Promise<HTMLImageElement>>();

function kept(key: string, make: () => Promise<HTMLImageElement>): Promise<HTMLImageElement> {
  let found = images.get(key);
  if (!found) {
    found = make();
    found.catch(() => images.delete(key));
    if (images.size >= MOST) images.delete(images.keys().next().value!);
  } else images.delete(key);
  images.set(key, found); // the newest last
  return found;
}

export function load(path: string): Promise<HTMLImageElement> {
  return kept(path, async () => {
    const image = new Image();
    image.src = path;
    await image.decode();
    return image;
  });
}

/** A decoded image; null until it is there. */
export function useImage(path: string | null | undefined): HTMLImageElement | null {
  return useImages(path ? [path] : [])?.[0] ?? null;
}

/** All of several images; null until all are there. */
export function useImages(paths: readonly string[]): HTMLImageElement[] | null {
  const key = paths.join("\n");
  const [found, setFound] = useState<{ key: string; value: HTMLImageElement[] } | null>(null);
  useEffect(() => {
    let wanted = true;
    Promise.all(key ? key.split("\n").map(load) : []).then(
      (value) => wanted && setFound({ key, value }),
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [key]);
  return found?.key === key ? found.value : null;
}
