/** An image of the service, with a quiet place for it while there is none. */
export function Picture({ path, alt, className = "" }: { path: string | null | undefined; alt: string; className?: string }) {
  return path ? <img className={`picture ${className}`} src={path} alt={alt} draggable={false} decoding="async" /> : <span className={`picture skeleton ${className}`} aria-hidden="true" />;
}
