// A picture that the drawing is to begin from: chosen, dropped or pasted, and how closely it is followed.
import { useId, useRef } from "react";
import type { Begins } from "../hooks/useBeginning";
import { address, closeness, CLOSEST, followOf, LOOSEST, stays, type Beginning } from "../lib/beginning";
import { Button, IconButton } from "./Button";
import { Notice } from "./Notice";

interface Props {
  begins: Begins;
  over: boolean; // files are held over the page
  proportions?: string; // of the canvas, such as "320 / 256": what overhangs is cut off
}

export function BeginFrom({ begins, over, proportions = "1" }: Props) {
  const { picture, taking, take, drop } = begins;
  const chooser = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <div className={`begin ${picture ? "has" : ""} ${over ? "over" : ""}`} role="group" aria-label="Picture to begin from">
      {(picture ?? taking) && (
        <span className="begin-thumb" style={{ aspectRatio: proportions }}>
          {taking || !picture ? <span className="skeleton" /> : <img key={begins.visit} src={address(picture.sha256)} alt={`${picture.name}, as much of it as fills the canvas`} draggable={false} />}
        </span>
      )}
      {picture && !taking && <How picture={picture} onFollow={begins.follow} />}
      <p className={picture && !taking ? "sr" : "begin-words"} role="status">
        {taking ? `Taking ${taking.name} in …` : picture ? `Begins from ${picture.name}.` : ""}
      </p>
      <span className="begin-tools">
        <Button ref={button} icon="image" aria-label={picture ? "Another picture" : undefined} onClick={() => chooser.current?.click()}>
          {picture ? "Another" : "Begin from a picture"}
        </Button>
        {(picture ?? taking) && (
          <IconButton
            icon="close"
            label={picture ? "Remove the picture" : "Do not take it"}
            onClick={() => {
              drop();
              button.current?.focus();
            }}
          />
        )}
      </span>
      {!picture && !taking && <span className="hint wide-only">{over ? "Let go of it anywhere." : "or drop or paste one here"}</span>}
      <input
        ref={chooser}
        type="file"
        hidden
        accept="image/png,image/jpeg,image/webp"
        onChange={(event) => {
          const given = [...(event.target.files ?? [])];
          event.target.value = ""; // the same file may be taken again
          take(given);
        }}
      />
      {begins.error && (
        <Notice error={begins.error}>
          {begins.retry && <Button onClick={begins.retry}>Try again</Button>}
          <Button
            onClick={() => {
              begins.dismiss();
              button.current?.focus();
            }}
          >
            Dismiss
          </Button>
        </Notice>
      )}
    </div>
  );
}

function How({ picture, onFollow }: { picture: Beginning; onFollow: (noise: number) => void }) {
  const id = useId();
  return (
    <div className="begin-how">
      <p className="begin-name">
        <span>{picture.name}</span>{" "}
        <span className="hint">
          {picture.width} × {picture.height}
        </span>
      </p>
      <div className="begin-follow">
        <label htmlFor={id}>Follow it</label>
        <span aria-hidden="true">loosely</span>
        <input
          id={id}
          type="range"
          min={closeness(LOOSEST)}
          max={closeness(CLOSEST)}
          step={5}
          value={closeness(picture.follow)}
          aria-valuetext={stays(picture.follow)}
          onChange={(event) => onFollow(followOf(Number(event.target.value)))}
        />
        <span aria-hidden="true">closely</span>
      </div>
      <p className="hint" aria-hidden="true">
        {stays(picture.follow)}
      </p>
    </div>
  );
}
