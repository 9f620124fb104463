// A grid as a small picture, one pixel a point, the first row at the bottom.

import { type Ramp, series } from "./palette";
import type { Field } from "./field";

export function heightPicture(field: Field, { bytes }: Ramp): HTMLCanvasElement {
  return picture(field.n, (i, j, rgba, at) => {
    const color = 3 * Math.round(255 * (field.heights[j * field.n + i] ?? 0));
    rgba.set([bytes[color] ?? 0, bytes[color + 1] ?? 0, bytes[color + 2] ?? 0, 255], at);
  });
}

/** One colour a minimum, paler where it takes more steps; nothing where no minimum was found. */
export function basinPicture(which: ArrayLike<number>, n: number, steps?: ArrayLike<number>): HTMLCanvasElement {
  let most = 1;
  for (let k = 0; k < (steps?.length ?? 0); k++) most = Math.max(most, steps?.[k] ?? 0);
  return picture(n, (i, j, rgba, at) => {
    const k = j * n + i;
    const basin = which[k] ?? -1;
    if (!(basin >= 0)) return;
    const color = Number.parseInt(series(basin).slice(1), 16);
    const pale = steps ? Math.log1p(steps[k] ?? 0) / Math.log1p(most) : 0;
    rgba.set([color >> 16, (color >> 8) & 255, color & 255, 255 - 120 * pale], at);
  });
}

type Paint = (i: number, j: number, rgba: Uint8ClampedArray, at: number) => void;

function picture(n: number, paint: Paint): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = n;
  const image = new ImageData(n, n);
  for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) paint(i, j, image.data, 4 * ((n - 1 - j) * n + i));
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}
