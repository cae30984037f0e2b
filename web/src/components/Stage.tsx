// The picture with its regions, on a canvas one can zoom and pan. Loaded when first wanted.
import type Konva from "konva";
import "konva/lib/shapes/Rect";
import "konva/lib/shapes/Image";
import "konva/lib/shapes/Transformer";
import { useEffect, useMemo, useRef, useState, type RefObject } from "react";
import { Image as KonvaImage, Layer, Rect, Stage as KonvaStage, Transformer } from "react-konva/lib/ReactKonvaCore";
import type { Box, Design } from "../api/types";
import { useMaps } from "../hooks/useDesign";
import type { Area } from "../hooks/useArea";
import { useImage, useImages } from "../hooks/useImage";
import { useLooks } from "../hooks/useLook";
import { usePinch } from "../hooks/usePinch";
import { useRegions, type Regions } from "../hooks/useRegions";
import { useWork } from "../hooks/useWorkspace";
import { boxOf, moved } from "../lib/boxes";
import { zoomed, type Camera } from "../lib/camera";
import { inOrder, layers } from "../lib/layers";
import { composed, heated, outlined } from "../lib/pixels";
import { Lasso } from "./Lasso";
import { RegionKeys } from "./RegionKeys";

interface Props {
  design: Design;
  camera: Camera;
  onCamera: (camera: Camera) => void;
  size: { width: number; height: number };
  area: Area;
}

export default function Stage({ design, camera, onCamera, size, area }: Props) {
  const { busy, locks } = useWork();
  const { select, hidden, background, shaping } = useLooks();
  const picture = usePicture(design);
  const regions = useRegions(design.plan?.regions ?? []);
  const [width, height] = design.size;
  const stage = useRef<Konva.Stage>(null);
  const room = useRef<HTMLDivElement>(null);
  const dropped = useRef(false); // what was held is let go of, and is to go back to where it was
  const see = (stage: Konva.Stage) => onCamera({ scale: camera.scale, x: stage.x(), y: stage.y() });
  const fixed = useMemo(() => new Set((design.plan?.regions ?? []).flatMap((region, index) => (busy || shaping !== null || locks.includes(region.subject) ? [index] : []))), [busy, design, locks, shaping]);

  usePinch(
    room,
    () => {
      dropped.current = true;
      stage.current?.stopDrag();
      stage.current?.find<Konva.Rect>("Rect").forEach((node) => node.stopDrag());
      stage.current?.find<Konva.Transformer>("Transformer").forEach((node) => node.stopTransform());
      dropped.current = false;
      regions.reset();
      return stage.current ? { scale: stage.current.scaleX(), x: stage.current.x(), y: stage.current.y() } : camera;
    },
    onCamera,
  );

  return (
    <>
      <div className="stage" aria-hidden="true" ref={room}>
        {(hidden.size > 0 || !background) && <div className="checker sheet" style={{ left: camera.x, top: camera.y, width: width * camera.scale, height: height * camera.scale }} />}
        <KonvaStage
          ref={stage}
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
        >
          <Layer listening={false}>
            {picture && <KonvaImage image={picture} width={width} height={height} />}
            <Areas design={design} brought={area.mask} />
            <Pointed design={design} />
          </Layer>
          <Handles design={design} regions={regions} fixed={fixed} scale={camera.scale} dropped={dropped} />
        </KonvaStage>
        {shaping !== null && <Lasso design={design} camera={camera} onCamera={onCamera} area={area} />}
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

/** The outlines of free-form areas: of those that regions have, and of a mask that was brought. */
function Areas({ design, brought }: { design: Design; brought: string | null }) {
  const masks = (design.plan?.regions ?? []).flatMap((region) => (region.mask ? [`/v1/artifacts/${region.mask}`] : []));
  return [...new Set([...masks, ...(brought ? [brought] : [])])].map((mask) => <Outline key={mask} mask={mask} size={design.size} />);
}

function Outline({ mask, size: [width, height] }: { mask: string; size: Design["size"] }) {
  const image = useImage(mask);
  const outline = useMemo(() => (image ? outlined(image, true) : null), [image]);
  return outline && <KonvaImage image={outline} width={width} height={height} />;
}

const ANCHORS = ["top-left", "top-center", "top-right", "middle-right", "bottom-right", "bottom-center", "bottom-left", "middle-left"];

interface HandlesProps {
  design: Design;
  regions: Regions;
  fixed: ReadonlySet<number>;
  scale: number;
  dropped: RefObject<boolean>;
}

function Handles({ design, regions, fixed, scale, dropped }: HandlesProps) {
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
        const drafted = regions.draft === index;
        const loose = !fixed.has(index);
        return (
          <Rect
            key={index}
            ref={(node) => void (node ? nodes.current.set(index, node) : nodes.current.delete(index))}
            x={box[0] * width}
            y={box[1] * height}
            width={(box[2] - box[0]) * width}
            height={(box[3] - box[1]) * height}
            stroke={chosen || drafted ? accent : region.mask ? "rgba(0,0,0,0)" : "rgba(255,255,255,.9)"} // an area is outlined as it is
            strokeWidth={chosen ? 2 : 1.5}
            strokeScaleEnabled={false}
            {...(chosen ? {} : { dash: [6, 4] })}
            shadowColor="rgba(0,0,0,.55)"
            shadowBlur={held ? 0 : 3 / scale}
            fill={drafted ? "rgba(24,128,96,.16)" : "rgba(0,0,0,0)"}
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
            onDragEnd={(event) => {
              setHeld(false);
              if (dropped.current) event.target.position({ x: region.box[0] * width, y: region.box[1] * height });
              else regions.commit(index);
            }}
            onTransformStart={() => setHeld(true)}
            onTransformEnd={(event) => {
              const node = event.target;
              const put = dropped.current ? region.box : boxOfNode(node);
              node.scale({ x: 1, y: 1 });
              node.setAttrs({ x: put[0] * width, y: put[1] * height, width: (put[2] - put[0]) * width, height: (put[3] - put[1]) * height });
              setHeld(false);
              if (!dropped.current) regions.commit(index, put);
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
