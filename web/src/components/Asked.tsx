// What a person asked for: the words, and the picture it begins from.
import type { Said } from "../api/api";
import { address, beganFrom, stays } from "../lib/beginning";
import { said } from "../lib/words";
import { Picture } from "./Picture";

export function Asked({ words = "", calls = [], className = "" }: Said & { className?: string }) {
  const text = said({ words, calls });
  const from = beganFrom(calls);
  return (
    <>
      {text && <p className={`said ${className}`}>{text}</p>}
      {from && (
        <figure className={`from ${className}`}>
          <Picture path={address(from.sha256)} alt="The picture it begins from" />
          <figcaption>Begins from this picture. {stays(from.follow)}</figcaption>
        </figure>
      )}
    </>
  );
}
