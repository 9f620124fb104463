// A frame with labelled axes, and the way between its numbers and the pixels.

import type { Palette } from "./palette";
import { short, ticks } from "../state/numbers";

export const FONT = "12px system-ui, sans-serif";

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Axes {
  readonly box: Box;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly invertX: (pixel: number) => number;
  readonly invertY: (pixel: number) => number;
}

export type Interval = readonly [number, number];

/** `scaled` is what is drawn to scale upwards, where that is not the value itself. */
export function axesOf(
  box: Box,
  [x0, x1]: Interval,
  [y0, y1]: Interval,
  scaled: (value: number) => number = (value) => value,
): Axes {
  const { left, top, width, height } = box;
  return {
    box,
    x: (value) => left + ((value - x0) / (x1 - x0)) * width,
    y: (value) => top + height - ((scaled(value) - y0) / (y1 - y0)) * height,
    invertX: (pixel) => x0 + ((pixel - left) / width) * (x1 - x0),
    invertY: (pixel) => y0 + ((top + height - pixel) / height) * (y1 - y0),
  };
}

export interface Labels {
  readonly x: string;
  readonly y: string;
  /** In the other corner. */
  readonly aside?: string;
  readonly grid?: boolean;
  readonly ticks?: (low: number, high: number, count: number) => number[];
}

export function drawAxes(
  context: CanvasRenderingContext2D,
  axes: Axes,
  [x, y]: readonly [Interval, Interval],
  palette: Palette,
  labels: Labels,
): void {
  const { left, top, width, height } = axes.box;
  context.font = FONT;
  context.lineWidth = 1;
  context.strokeStyle = palette.line;
  context.fillStyle = palette.soft;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const value of ticks(x[0], x[1], width / 80)) {
    const at = Math.round(axes.x(value)) + 0.5;
    stroke(context, at, labels.grid ? top : top + height, at, top + height + 4);
    context.fillText(short(value), at, top + height + 7);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of (labels.ticks ?? ticks)(y[0], y[1], height / 45)) {
    const at = Math.round(axes.y(value)) + 0.5;
    stroke(context, left - 4, at, labels.grid ? left + width : left, at);
    context.fillText(short(value), left - 7, at);
  }
  context.strokeRect(left + 0.5, top + 0.5, width, height);
  context.fillStyle = palette.ink;
  context.textBaseline = "bottom";
  context.fillText(labels.x, left + width, top + height + 36);
  context.textBaseline = "alphabetic";
  if (labels.aside) context.fillText(labels.aside, left + width, top - 8);
  context.textAlign = "left";
  context.fillText(labels.y, Math.max(4, left - 40), top - 8);
}

export function stroke(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

export function clipTo(context: CanvasRenderingContext2D, { left, top, width, height }: Box): void {
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
}

export function disc(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}

/** An arrow whose head is left out where the way is too short to hold it. */
export function arrow(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  stroke(context, x0, y0, x1, y1);
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (!(length > 9)) return;
  const [ux, uy] = [(x1 - x0) / length, (y1 - y0) / length];
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x1 - 7 * ux + 3 * uy, y1 - 7 * uy - 3 * ux);
  context.lineTo(x1 - 7 * ux - 3 * uy, y1 - 7 * uy + 3 * ux);
  context.closePath();
  context.fill();
}

export const within = ([low, high]: Interval, value: number): boolean => value >= low && value <= high;

/** The marble, with an edge that shows on every ground. */
export function marble(context: CanvasRenderingContext2D, x: number, y: number, palette: Palette, radius = 8): void {
  context.fillStyle = palette.marble;
  context.strokeStyle = palette.marbleEdge;
  context.lineWidth = 2;
  disc(context, x, y, radius);
  context.stroke();
}
