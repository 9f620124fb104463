// Two variables from above: heights as colours with level lines, the path, the marble.

import { type Axes, axesOf, clipTo, disc, drawAxes, type Interval, marble, stroke, within } from "../drawing/axes";
import { Board } from "../drawing/board";
import { contour } from "../drawing/contours";
import type { Field } from "../drawing/field";
import type { KnownMinimum } from "../state/answers";
import { drawnAt, type Path } from "../state/path";
import { basinPicture, heightPicture } from "../drawing/pictures";
import type { Dot } from "./line_plot";

const LEVELS = 14;
const MOST_ROWS = 3000;
const MOST_DOTS = 300;

/** A path with a colour of its own. */
export interface Trail {
  readonly path: Path;
  readonly color: string;
}

export class ContourPlot extends Board {
  variables: readonly string[] = ["x", "y"];
  path: Path | undefined;
  position = 0;
  minima: readonly KnownMinimum[] = [];
  dots: readonly Dot[] = [];
  trails: readonly Trail[] = [];
  /** The marble's colour, where it is not the usual one. */
  color: string | undefined;
  private shown: Field | undefined;
  private basins: { which: ArrayLike<number>; steps: ArrayLike<number> | undefined; n: number } | undefined;

  set field(field: Field | undefined) {
    this.shown = field;
    this.renew();
  }

  get field(): Field | undefined {
    return this.shown;
  }

  showBasins(which: ArrayLike<number> | undefined, n = 0, steps?: ArrayLike<number>): void {
    this.basins = which && { which, n, steps };
    this.renew();
  }

  /** The point under a pixel. */
  placeAt(pixelX: number, pixelY: number): [number, number] | undefined {
    const axes = this.axes();
    if (!axes) return undefined;
    const point: [number, number] = [axes.invertX(pixelX), axes.invertY(pixelY)];
    return this.shown?.holds(...point) ? point : undefined;
  }

  /** Whether a row lies where the drawing reaches. */
  shows(path: Path, row: number): boolean {
    const [across, up] = this.intervals();
    return within(across, drawnAt(path, row, 0)) && within(up, drawnAt(path, row, 1));
  }

  protected override paintStill(context: CanvasRenderingContext2D): void {
    const axes = this.axes();
    if (!axes || !this.shown) return;
    const [x = "x", y = "y"] = this.variables;
    context.save();
    clipTo(context, axes.box);
    this.paintHeights(context, axes, this.shown);
    for (const { x: at } of this.minima) this.drawMinimum(context, axes, at);
    context.restore();
    const aside = this.shown.scale.isLogarithmic ? { aside: "loss, on a logarithmic scale" } : {};
    drawAxes(context, axes, this.intervals(), this.theme.palette, { x, y, ...aside });
  }

  protected override paintMoving(context: CanvasRenderingContext2D): void {
    const axes = this.axes();
    if (!axes) return;
    context.save();
    clipTo(context, axes.box);
    for (const { path, color } of this.trails) this.drawTrail(context, axes, path, path.n_rows - 1, color, 1.5);
    for (const dot of this.dots) this.drawDot(context, axes, dot);
    if (this.path) this.drawPath(context, axes, this.path);
    context.restore();
  }

  private axes(): Axes | undefined {
    if (!this.shown || this.width < 80) return undefined;
    const box = { left: 50, top: 26, width: this.width - 66, height: this.height - 26 - 44 };
    return axesOf(box, ...this.intervals());
  }

  private intervals(): [Interval, Interval] {
    const { xs, ys, n } = this.shown ?? { xs: [0, 1], ys: [0, 1], n: 2 };
    return [
      [xs[0] ?? 0, xs[n - 1] ?? 1],
      [ys[0] ?? 0, ys[n - 1] ?? 1],
    ];
  }

  private paintHeights(context: CanvasRenderingContext2D, { box }: Axes, field: Field): void {
    const { left, top, width, height } = box;
    context.drawImage(heightPicture(field, this.theme.ramp), left, top, width, height);
    if (this.basins) {
      context.imageSmoothingEnabled = false;
      context.globalAlpha = 0.72;
      const { which, n, steps } = this.basins;
      context.drawImage(basinPicture(which, n, steps), left, top, width, height);
      context.globalAlpha = 1;
    }
    context.strokeStyle = this.theme.isDark ? "#ffffff55" : "#0a1c3355";
    context.lineWidth = 0.8;
    const scaleX = width / (field.n - 1);
    const scaleY = height / (field.n - 1);
    context.beginPath();
    for (let level = 1; level < LEVELS; level++) {
      const segments = contour(field, level / LEVELS);
      for (let k = 0; k < segments.length; k += 4) {
        context.moveTo(left + (segments[k] ?? 0) * scaleX, top + height - (segments[k + 1] ?? 0) * scaleY);
        context.lineTo(left + (segments[k + 2] ?? 0) * scaleX, top + height - (segments[k + 3] ?? 0) * scaleY);
      }
    }
    context.stroke();
  }

  private drawMinimum(context: CanvasRenderingContext2D, axes: Axes, at: readonly number[]): void {
    const [x, y] = [axes.x(at[0] ?? NaN), axes.y(at[1] ?? NaN)];
    for (const [color, width] of [
      ["#000000", 4],
      ["#ffffff", 1.8],
    ] as const) {
      context.strokeStyle = color;
      context.lineWidth = width;
      stroke(context, x - 5, y, x + 5, y);
      stroke(context, x, y - 5, x, y + 5);
    }
  }

  private drawDot(context: CanvasRenderingContext2D, axes: Axes, { x, color }: Dot): void {
    context.fillStyle = color;
    context.strokeStyle = "#000000";
    context.lineWidth = 1;
    disc(context, axes.x(x[0] ?? NaN), axes.y(x[1] ?? NaN), 4.5);
    context.stroke();
  }

  private drawPath(context: CanvasRenderingContext2D, axes: Axes, path: Path): void {
    const { palette } = this.theme;
    const row = Math.min(Math.floor(this.position), path.n_rows - 1);
    const color = this.color ?? palette.marble;
    context.globalAlpha = 0.7;
    this.drawTrail(context, axes, path, path.n_rows - 1, color, 1.5);
    context.globalAlpha = 1;
    this.drawTrail(context, axes, path, row, color, 2.5);
    context.fillStyle = color;
    for (let k = Math.max(0, row - MOST_DOTS); k <= row; k++) {
      context.fillRect(axes.x(drawnAt(path, k, 0)) - 2, axes.y(drawnAt(path, k, 1)) - 2, 4, 4);
    }
    const share = this.position - row;
    const between = (variable: number): number => {
      const from = drawnAt(path, row, variable);
      return share === 0 ? from : from + share * (drawnAt(path, row + 1, variable) - from);
    };
    marble(context, axes.x(between(0)), axes.y(between(1)), this.color ? { ...palette, marble: this.color } : palette);
  }

  private drawTrail(
    context: CanvasRenderingContext2D,
    axes: Axes,
    path: Path,
    last: number,
    color: string,
    width: number,
  ): void {
    context.beginPath();
    for (let k = Math.max(0, last - MOST_ROWS); k <= last; k++) {
      context.lineTo(axes.x(drawnAt(path, k, 0)), axes.y(drawnAt(path, k, 1)));
    }
    context.lineJoin = "round";
    context.strokeStyle = this.theme.palette.halo;
    context.lineWidth = width + 2;
    context.stroke();
    context.strokeStyle = color;
    context.lineWidth = width;
    context.stroke();
  }
}
