// One variable: the curve, the steps as arrows, and the marble with its tangent.

import {
  type Axes,
  arrow,
  axesOf,
  clipTo,
  disc,
  drawAxes,
  type Interval,
  marble,
  stroke,
  within,
} from "../drawing/axes";
import { Board } from "../drawing/board";
import type { Frames } from "../drawing/frames";
import { series } from "../drawing/palette";
import type { Theme } from "../drawing/theme";
import type { KnownMinimum, Surface } from "../state/answers";
import { type LossScale, lossScale } from "../drawing/loss_scale";
import { drawnAt, type Path } from "../state/path";

const MOST_ARROWS = 400;

export interface Dot {
  readonly x: readonly number[];
  readonly loss: number;
  readonly color: string;
}

export class LinePlot extends Board {
  variable = "x";
  path: Path | undefined;
  position = 0;
  /** The marble's colour, where it is not the usual one. */
  color: string | undefined;
  minima: readonly KnownMinimum[] = [];
  dots: readonly Dot[] = [];
  /** The number of the minimum that each point of the curve leads to. */
  basins: ArrayLike<number> | undefined;
  private shown: Surface | undefined;
  private scale: LossScale | undefined;

  constructor(frames: Frames, theme: Theme) {
    super(frames, theme);
  }

  set surface(surface: Surface) {
    this.shown = surface;
    this.scale = lossScale(surface);
  }

  /** The place on the variable's axis under a pixel. */
  placeAt(pixelX: number): number | undefined {
    const axes = this.axes();
    if (!axes || pixelX < axes.box.left || pixelX > axes.box.left + axes.box.width) return undefined;
    return axes.invertX(pixelX);
  }

  /** The curve's height; for drawing. */
  lossAt(x: number): number {
    return this.sample(this.shown?.z?.data, x);
  }

  /** Whether a row lies where the drawing reaches. */
  shows(path: Path, row: number): boolean {
    const [across, up] = this.intervals();
    return within(across, drawnAt(path, row, 0)) && within(up, this.scaled(path.losses[row] ?? NaN));
  }

  private scaled(loss: number): number {
    return this.scale ? this.scale.of(loss) : loss;
  }

  protected override paintStill(context: CanvasRenderingContext2D): void {
    const axes = this.axes();
    if (!axes) return;
    const y = this.scale?.isLogarithmic ? "loss, on a logarithmic scale" : "loss";
    const labels = { x: this.variable, y, grid: true, ...(this.scale && { ticks: this.scale.ticks }) };
    drawAxes(context, axes, this.intervals(), this.theme.palette, labels);
    context.save();
    clipTo(context, axes.box);
    if (this.basins) this.drawBasins(context, axes);
    this.drawCurve(context, axes);
    for (const { x, loss } of this.minima) this.drawMinimum(context, axes.x(x[0] ?? NaN), axes.y(loss));
    context.restore();
  }

  protected override paintMoving(context: CanvasRenderingContext2D): void {
    const axes = this.axes();
    if (!axes) return;
    context.save();
    clipTo(context, axes.box);
    for (const dot of this.dots) this.drawDot(context, axes, dot);
    if (this.path) this.drawPath(context, axes, this.path);
    context.restore();
  }

  private axes(): Axes | undefined {
    if (!this.shown?.x || this.width < 80) return undefined;
    const box = { left: 58, top: 26, width: this.width - 74, height: this.height - 26 - 44 };
    return axesOf(box, ...this.intervals(), (loss) => this.scaled(loss));
  }

  /** Upwards in what is drawn to scale. */
  private intervals(): [Interval, Interval] {
    const xs = this.shown?.x?.data ?? new Float64Array([0, 1]);
    const [low, high] = [this.scaled(this.scale?.low ?? 0), this.scaled(this.scale?.high ?? 1)];
    const room = (high - low || 1) * 0.07;
    return [
      [xs[0] ?? 0, xs[xs.length - 1] ?? 1],
      [low - room, high + room],
    ];
  }

  private drawCurve(context: CanvasRenderingContext2D, axes: Axes): void {
    const { x, z } = this.shown ?? {};
    if (!x || !z) return;
    context.strokeStyle = this.theme.palette.curve;
    context.lineWidth = 2.5;
    context.lineJoin = "round";
    context.beginPath();
    let isDown = false;
    for (let i = 0; i < x.data.length; i++) {
      const [at, value] = [x.data[i] ?? NaN, z.data[i] ?? NaN];
      if (!Number.isFinite(value)) isDown = false;
      else if (isDown) context.lineTo(axes.x(at), axes.y(value));
      else {
        context.moveTo(axes.x(at), axes.y(value));
        isDown = true;
      }
    }
    context.stroke();
  }

  private drawBasins(context: CanvasRenderingContext2D, { box }: Axes): void {
    const which = this.basins ?? [];
    const width = box.width / which.length;
    context.globalAlpha = 0.28;
    for (let i = 0; i < which.length; i++) {
      const basin = which[i] ?? -1;
      if (!(basin >= 0)) continue;
      context.fillStyle = series(basin);
      context.fillRect(box.left + i * width, box.top, width + 0.6, box.height);
    }
    context.globalAlpha = 1;
  }

  private drawMinimum(context: CanvasRenderingContext2D, x: number, y: number): void {
    context.strokeStyle = this.theme.palette.minimum;
    context.lineWidth = 1.5;
    stroke(context, x - 5, y + 7, x + 5, y + 7);
    stroke(context, x, y + 2, x, y + 7);
  }

  private drawDot(context: CanvasRenderingContext2D, axes: Axes, { x, loss, color }: Dot): void {
    context.fillStyle = color;
    context.strokeStyle = this.theme.palette.minimum;
    context.lineWidth = 1;
    disc(context, axes.x(x[0] ?? NaN), axes.y(loss), 5);
    context.stroke();
  }

  private drawPath(context: CanvasRenderingContext2D, axes: Axes, path: Path): void {
    const { palette } = this.theme;
    const row = Math.min(Math.floor(this.position), path.n_rows - 1);
    const pixel = (k: number): [number, number] => [axes.x(drawnAt(path, k, 0)), axes.y(path.losses[k] ?? NaN)];
    for (let k = Math.max(0, row - MOST_ARROWS); k < Math.min(path.n_rows - 1, row + MOST_ARROWS); k++) {
      const [from, to] = [pixel(k), pixel(k + 1)];
      if (!from.concat(to).every(Number.isFinite)) continue;
      context.strokeStyle = context.fillStyle = k < row ? (this.color ?? palette.path) : palette.future;
      context.lineWidth = 1.5;
      arrow(context, ...from, ...to);
    }
    context.fillStyle = this.color ?? palette.path;
    for (let k = Math.max(0, row - MOST_ARROWS); k <= row; k++) disc(context, ...pixel(k), 2.5);
    if (this.position === row) this.drawTangent(context, axes, path, row);
    const [x, y] = this.marblePixel(axes, path, row);
    marble(context, x, y, this.color ? { ...palette, marble: this.color } : palette);
  }

  /** On a row, the row's own numbers; between two, along the curve. */
  private marblePixel(axes: Axes, path: Path, row: number): [number, number] {
    const share = this.position - row;
    const from = drawnAt(path, row, 0);
    if (share === 0) return [axes.x(from), axes.y(path.losses[row] ?? NaN)];
    const at = from + share * (drawnAt(path, row + 1, 0) - from);
    return [axes.x(at), axes.y(this.sample(this.shown?.z?.data, at))];
  }

  private drawTangent(context: CanvasRenderingContext2D, axes: Axes, path: Path, row: number): void {
    const at = drawnAt(path, row, 0);
    const slope = path.slopes?.[row] ?? NaN;
    if (!Number.isFinite(slope)) return;
    const [[left, right], [low, high]] = this.intervals();
    const { width, height } = axes.box;
    const up = slope * (this.scale?.growth(path.losses[row] ?? NaN) ?? 1);
    const dy = (-up * height * (right - left)) / ((high - low) * width);
    const reach = 70 / Math.hypot(1, dy);
    const [x, y] = [axes.x(at), axes.y(path.losses[row] ?? NaN)];
    context.strokeStyle = this.theme.palette.tangent;
    context.lineWidth = 2.5;
    stroke(context, x - reach, y - reach * dy, x + reach, y + reach * dy);
  }

  private sample(values: Float64Array | undefined, at: number): number {
    const xs = this.shown?.x?.data;
    if (!values || !xs) return NaN;
    const place = ((at - (xs[0] ?? 0)) / ((xs[xs.length - 1] ?? 1) - (xs[0] ?? 0))) * (xs.length - 1);
    const i = Math.max(0, Math.min(Math.floor(place), xs.length - 2));
    return (values[i] ?? NaN) + (place - i) * ((values[i + 1] ?? NaN) - (values[i] ?? NaN));
  }
}
