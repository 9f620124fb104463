// Where marbles are dropped: the curve or the contours with every marble's way, and the map of which start leads where.

import { h } from "../drawing/element";
import { Field } from "../drawing/field";
import { series } from "../drawing/palette";
import type { Dropped } from "../state/answers";
import { pathOfFan } from "../state/path";
import { ContourPlot, type Trail } from "./contour_plot";
import type { Context } from "./context";
import { type Dot, LinePlot } from "./line_plot";
import { DIRECTIONS, figure, NUDGE } from "./stage";

const NOWHERE = "#8c8c8c";

export class MarblePlot {
  readonly element = h("div");
  private readonly line: LinePlot;
  private readonly contour: ContourPlot;
  private cross: readonly number[] | undefined;
  private dots: readonly Dot[] = [];

  constructor(
    private readonly context: Context,
    private readonly onDropped: (point: number[]) => void,
  ) {
    this.line = new LinePlot(context.frames, context.theme);
    this.contour = new ContourPlot(context.frames, context.theme);
    this.listen(this.line.canvas, (x) => {
      const at = this.line.placeAt(x);
      return at === undefined ? undefined : [at];
    });
    this.listen(this.contour.canvas, (x, y) => this.contour.placeAt(x, y));
  }

  get canDrop(): boolean {
    return this.context.laboratory.n_variables <= 2;
  }

  showSurface(): void {
    const { surface, problem, setting } = this.context.laboratory;
    if (!surface) return;
    if (!this.canDrop) {
      const words = "Marbles are dropped on functions of one or two variables.";
      return this.element.replaceChildren(h("p", { class: "panel empty" }, words));
    }
    const isLine = setting.ranges.length === 1;
    if (isLine) this.line.surface = surface;
    else this.contour.field = new Field(surface);
    this.line.variable = problem?.variables[0] ?? "x";
    this.contour.variables = problem?.variables ?? ["x", "y"];
    this.line.renew();
    this.element.replaceChildren(figure("Click to drop a marble", (isLine ? this.line : this.contour).canvas, "many"));
  }

  /** The number of a minimum's colour for each start; nothing without `which`. */
  showMap(which?: Float64Array, n = 0, steps?: Float64Array): void {
    const isLine = n === 0;
    this.line.basins = isLine ? which : undefined;
    this.contour.showBasins(isLine ? undefined : which, n, steps);
    this.line.renew();
  }

  draw(dropped: Dropped | undefined, colorOf: (minimum: readonly number[]) => number): void {
    const dots: Dot[] = [];
    const trails: Trail[] = [];
    for (let k = 0; dropped && k < dropped.which.data.length; k++) {
      const minimum = dropped.minima[dropped.which.data[k] ?? -1];
      const color = minimum ? series(colorOf(minimum.x)) : NOWHERE;
      const path = pathOfFan(dropped, k);
      trails.push({ path, color });
      dots.push({ x: Array.from(path.points.subarray(0, path.n_variables)), loss: path.losses[0] ?? NaN, color });
    }
    this.dots = dots;
    this.contour.trails = trails;
    this.drawDots();
  }

  private drawDots(): void {
    const { cross } = this;
    const mark = cross ? [{ x: cross, loss: this.line.lossAt(cross[0] ?? NaN), color: "#ffffff" }] : [];
    this.line.dots = this.contour.dots = [...this.dots, ...mark];
    this.line.changed();
    this.contour.changed();
  }

  private listen(canvas: HTMLCanvasElement, placeAt: (x: number, y: number) => number[] | undefined): void {
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute(
      "aria-label",
      "Drop marbles: a click drops one there; arrow keys move a cross, Enter drops one on it.",
    );
    canvas.addEventListener("pointerdown", (event) => {
      const point = placeAt(event.offsetX, event.offsetY);
      if (point) this.onDropped(point);
    });
    canvas.addEventListener("keydown", (event) => this.onKey(event));
    canvas.addEventListener("blur", () => this.showCross(undefined));
  }

  /** Arrow keys move a cross, and Enter drops a marble there. */
  private onKey(event: KeyboardEvent): void {
    const { ranges } = this.context.laboratory.setting;
    const middle = ranges.map(([low, high]) => (low + high) / 2);
    const direction = DIRECTIONS[event.key];
    if (direction) {
      event.preventDefault();
      const step = event.shiftKey ? 5 * NUDGE : NUDGE;
      this.showCross(
        ranges.map(([low, high], k) => {
          const at = (this.cross ?? middle)[k] ?? low;
          return Math.max(low, Math.min(high, at + (direction[k] ?? 0) * step * (high - low)));
        }),
      );
    } else if (event.key === "Enter") this.onDropped([...(this.cross ?? middle)]);
  }

  private showCross(cross: readonly number[] | undefined): void {
    this.cross = cross;
    this.drawDots();
  }
}
