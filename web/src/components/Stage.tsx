// The picture with its regions, on a canvas one can zoom and pan. Loaded when first wanted.
import type Konva from "konva";
import "konva/lib/shapes/Rect";
import "konva/lib/shapes/Image";
import "konva/lib/shapes/Transformer";
import { useEffect, useMemo, useRef, useState } from "react";
import { Image as KonvaImage, Layer, Rect, Stage as KonvaStage, Transformer } from "react-konva/lib/ReactKonvaCore";
import type { Box, Design } from "../api/types";
import { useMaps } from "../hooks/useDesign";
import { useImage, useImages } from "../hooks/useImage";
import { useLooks } from "../hooks/useLook";
import { useRegions, type Regions } from "../hooks/useRegions";
import { useWork } from "../hooks/useWorkspace";
import { boxOf, moved } from "../lib/boxes";
import { zoomed, type Camera } from "../lib/camera";
import { inOrder, layers } from "../lib/layers";
import { composed, heated, outlined } from "../lib/pixels";
import { RegionKeys } from "./RegionKeys";

interface Props {
  design: Design;
  camera: Camera;
  onCamera: (camera: Camera) => void;
  size: { width: number; height: number };
}

export default function Stage({ design, camera, onCamera, size }: Props) {
  const { busy, locks } = useWork();
  const { select, hidden, background } = useLooks();
  const picture = usePicture(design);
  const regions = useRegions(design.plan?.regions ?? []);
  const [width, height] = design.size;
  const pinch = useRef<number | null>(null);
  const see = (stage: Konva.Stage) => onCamera({ scale: camera.scale, x: stage.x(), y: stage.y() });
  const fixed = useMemo(() => new Set((design.plan?.regions ?? []).flatMap((region, index) => (busy || locks.includes(region.subject) ? [index] : []))), [busy, design, locks]);

  return (
    <>
      <div className="stage" aria-hidden="true">
        {(hidden.size > 0 || !background) && <div className="checker sheet" style={{ left: camera.x, top: camera.y, width: width * camera.scale, height: height * camera.scale }} />}
        <KonvaStage
          width={size.width}
          height={size.height}
          x={camera.x}
          y={camera.y}
          scaleX={camera.scale}
          scaleY={camera.scale}
          draggable
          onDragMove={(event) => event.target === event.currentTarget && see(event.currentTarget as Konva.Stage)}
          onClick={(event) => event.target === event.currentTarget && select(null)}
          onTap={(event) => event.target === event.currentTarget && select(null)}
          onWheel={(event) => {
            event.evt.preventDefault();
            const at = event.currentTarget.getStage()?.getPointerPosition();
            if (at) onCamera(zoomed(camera, Math.exp(-event.evt.deltaY * 0.0015), at.x, at.y));
          }}
          onTouchMove={(event) => {
            const [a, b] = [event.evt.touches[0], event.evt.touches[1]];
            if (!a || !b) return;
            event.evt.preventDefault();
            const apart = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
            const frame = event.currentTarget.getStage()!.container().getBoundingClientRect();
            if (pinch.current) onCamera(zoomed(camera, apart / pinch.current, (a.clientX + b.clientX) / 2 - frame.x, (a.clientY + b.clientY) / 2 - frame.y));
            pinch.current = apart;
          }}
          onTouchEnd={() => (pinch.current = null)}
        >
          <Layer listening={false}>
            {picture && <KonvaImage image={picture} width={width} height={height} />}
            <Pointed design={design} />
          </Layer>
          <Handles design={design} regions={regions} fixed={fixed} scale={camera.scale} />
        </KonvaStage>
      </div>
      <RegionKeys design={design} regions={regions} camera={camera} fixed={fixed} />
    </>
  );
}

/** The picture, with what is hidden taken out of it. */
function usePicture(design: Design): CanvasImageSource | null {
  const { hidden, background } = useLooks();
  const picture = useImage(design.image);
  const whole = background && !hidden.size;
  const layers = useImages(whole ? [] : inOrder(design).map((layer) => layer.cutout.image));
  return useMemo(() => {
    if (!picture || whole) return picture;
    const shown = inOrder(design);
    if (!layers || layers.length !== shown.length) return picture;
    return composed(picture, layers.map((image, index) => ({ image, shown: !hidden.has(shown[index]!.region) })), background);
  }, [picture, whole, layers, design, hidden, background]);
}

/** Where the model looked for what is pointed at, and the outline of what was cut. */
function Pointed({ design }: { design: Design }) {
  const { pointed } = useLooks();
  const layer = pointed && layers(design).find((one) => (pointed.region === null ? one.cutout.subject === pointed.subject : one.region === pointed.region));
  const maps = useMaps(design.id, pointed?.heat ?? false);
  const map = useImage(pointed?.heat ? maps.find((one) => one.region === layer?.region)?.map : null);
  const mask = useImage(layer?.cutout.mask);
  const heat = useMemo(() => (map ? heated(map) : null), [map]);
  const outline = useMemo(() => (mask ? outlined(mask) : null), [mask]);
  const [width, height] = design.size;
  return (
    <>
      {heat && <KonvaImage image={heat} width={width} height={height} opacity={0.9} />}
      {outline && <KonvaImage image={outline} width={width} height={height} />}
    </>
  );
}

const ANCHORS = ["top-left", "top-center", "top-right", "middle-right", "bottom-right", "bottom-center", "bottom-left", "middle-left"];

function Handles({ design, regions, fixed, scale }: { design: Design; regions: Regions; fixed: ReadonlySet<number>; scale: number }) {
  const { selected, select, point } = useLooks();
  const [held, setHeld] = useState(false);
  const nodes = useRef(new Map<number, Konva.Rect>());
  const transformer = useRef<Konva.Transformer>(null);
  const [width, height] = design.size;
  const accent = useAccent();

  useEffect(() => {
    const node = selected === null || fixed.has(selected) ? undefined : nodes.current.get(selected);
    transformer.current?.nodes(node ? [node] : []);
  }, [selected, fixed, design.id]);

  const cursor = (event: Konva.KonvaEventObject<MouseEvent>, name: string) => (event.currentTarget.getStage()!.container().style.cursor = name);
  const boxOfNode = (node: Konva.Node): Box => {
    const [w, h] = [node.width() * node.scaleX(), node.height() * node.scaleY()];
    return boxOf(node.x() / width, node.y() / height, (node.x() + w) / width, (node.y() + h) / height);
  };

  return (
    <Layer>
      {(design.plan?.regions ?? []).map((region, index) => {
        const box = regions.boxes[index]!;
        const chosen = selected === index;
        const loose = !fixed.has(index);
        return (
          <Rect
            key={index}
            ref={(node) => void (node ? nodes.current.set(index, node) : nodes.current.delete(index))}
            x={box[0] * width}
            y={box[1] * height}
            width={(box[2] - box[0]) * width}
            height={(box[3] - box[1]) * height}
            stroke={chosen || regions.draft === index ? accent : "rgba(255,255,255,.9)"}
            strokeWidth={chosen ? 2 : 1.5}
            strokeScaleEnabled={false}
            {...(chosen ? {} : { dash: [6, 4] })}
            shadowColor="rgba(0,0,0,.55)"
            shadowBlur={held ? 0 : 3 / scale}
            fill={regions.draft === index ? "rgba(24,128,96,.16)" : "rgba(0,0,0,0)"}
            draggable={loose}
            onMouseEnter={(event) => {
              cursor(event, loose ? "move" : "not-allowed");
              if (!held) point({ subject: region.subject, region: index, heat: false });
            }}
            onMouseLeave={(event) => {
              cursor(event, "");
              point(null);
            }}
            onMouseDown={() => select(index)}
            onTap={() => select(index)}
            onDragStart={() => {
              setHeld(true);
              point(null);
            }}
            onDragMove={(event) => {
              const node = event.target;
              const put = moved(box, node.x() / width - box[0], node.y() / height - box[1]);
              node.position({ x: put[0] * width, y: put[1] * height });
              regions.put(index, put);
            }}
            onDragEnd={() => {
              setHeld(false);
              regions.commit(index);
            }}
            onTransformStart={() => setHeld(true)}
            onTransformEnd={(event) => {
              const node = event.target;
              const put = boxOfNode(node);
              node.scale({ x: 1, y: 1 });
              node.setAttrs({ x: put[0] * width, y: put[1] * height, width: (put[2] - put[0]) * width, height: (put[3] - put[1]) * height });
              setHeld(false);
              regions.commit(index, put);
            }}
          />
        );
      })}
      <Transformer
        ref={transformer}
        rotateEnabled={false}
        flipEnabled={false}
        keepRatio={false}
        ignoreStroke
        enabledAnchors={ANCHORS}
        anchorSize={11}
        anchorCornerRadius={6}
        anchorStroke={accent}
        anchorFill="#fff"
        borderEnabled={false}
      />
    </Layer>
  );
}

/** The accent colour of the look that is on, for a canvas knows no style sheet. */
function useAccent(): string {
  const [accent, setAccent] = useState("#188060");
  useEffect(() => {
    const read = () => setAccent(getComputedStyle(document.documentElement).getPropertyValue("--accent-on-picture").trim() || "#188060");
    read();
    const watch = new MutationObserver(read);
    watch.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    return () => watch.disconnect();
  }, []);
  return accent;
}
