import type { Plan } from "../api/types";

/** A plan as one would sketch it: who stands where, and on what. */
export function PlanSketch({ plan }: { plan: Plan }) {
  const [width, height] = plan.size;
  const name = (id: string) => plan.subjects.find((subject) => subject.id === id)?.noun ?? id;
  return (
    <figure className="sketch">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`Plan: ${plan.regions.map((region) => name(region.subject)).join(", ")}`}>
        {[...plan.regions]
          .sort((a, b) => a.z - b.z)
          .map(({ subject, box: [x0, y0, x1, y1] }, index) => (
            <g key={index}>
              <rect x={x0 * width} y={y0 * height} width={(x1 - x0) * width} height={(y1 - y0) * height} rx={width / 50} />
              <text x={((x0 + x1) / 2) * width} y={((y0 + y1) / 2) * height} fontSize={width / 16}>
                {name(subject)}
              </text>
            </g>
          ))}
      </svg>
      <figcaption>{plan.background}</figcaption>
    </figure>
  );
}
