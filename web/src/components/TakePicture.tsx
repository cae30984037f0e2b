import { useEffect, useRef, useState } from "react";
import type { Turn } from "../api/types";
import { usePicture } from "../hooks/useDesign";
import { Picture } from "./Picture";

/** What a turn made, asked for when it comes into view: a long history stays light. */
export function TakePicture({ turn, alt, className = "" }: { turn: Turn; alt: string; className?: string }) {
  const place = useRef<HTMLSpanElement>(null);
  const [seen, setSeen] = useState(false);
  const picture = usePicture(seen ? turn : null);
  useEffect(() => {
    const watch = new IntersectionObserver(([entry]) => entry?.isIntersecting && setSeen(true), { rootMargin: "200px" });
    if (place.current) watch.observe(place.current);
    return () => watch.disconnect();
  }, []);
  return (
    <span ref={place} className="take-picture">
      <Picture path={picture} alt={alt} className={className} />
    </span>
  );
}
