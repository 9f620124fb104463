// Level lines of a grid by marching squares: segments in grid coordinates, four numbers each.

import type { Field } from "./field";

/** The segments where the drawn height is `height`. */
export function contour(field: Field, height: number): Float32Array {
  const { n, heights } = field;
  const found: number[] = [];
  for (let j = 0; j < n - 1; j++) {
    for (let i = 0; i < n - 1; i++) {
      const k = j * n + i;
      const corners = [heights[k] ?? 0, heights[k + 1] ?? 0, heights[k + n + 1] ?? 0, heights[k + n] ?? 0] as const;
      const crossings = crossingsOf(corners, height);
      // Four crossings are a saddle: paired as they come, which is one of its two readings.
      for (let c = 0; c + 3 < crossings.length; c += 4) {
        found.push(
          i + (crossings[c] ?? 0),
          j + (crossings[c + 1] ?? 0),
          i + (crossings[c + 2] ?? 0),
          j + (crossings[c + 3] ?? 0),
        );
      }
    }
  }
  return Float32Array.from(found);
}

type Corners = readonly [number, number, number, number];

/** Where the level cuts the edges of a cell with corners (0,0), (1,0), (1,1), (0,1). */
function crossingsOf([a, b, c, d]: Corners, level: number): number[] {
  const cut: number[] = [];
  if (a < level !== b < level) cut.push((level - a) / (b - a), 0);
  if (b < level !== c < level) cut.push(1, (level - b) / (c - b));
  if (c < level !== d < level) cut.push((level - d) / (c - d), 1);
  if (d < level !== a < level) cut.push(0, (level - a) / (d - a));
  return cut;
}
