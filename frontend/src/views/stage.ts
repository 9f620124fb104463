// Where the descent is seen: the hill with its contours beside it for two variables, the line for one.
// A click, a touch or the arrow keys place the marble.

import { type Child, h, replaceText } from "../drawing/element";
import { Field } from "../drawing/field";
import { drawnNames } from "../state/drawn_names";
import { short } from "../state/numbers";
import { drawnAt } from "../state/path";
import { ContourPlot } from "./contour_plot";
import type { Context } from "./context";
import { HillPanel } from "./hill_panel";
import { LinePlot } from "./line_plot";

/** What an arrow key moves by, as a share of the range. */
export const NUDGE = 1 / 50;

export class Stage {
  readonly element = h("div", { class: "stage" });
  private readonly line: LinePlot;
  private readonly contour: ContourPlot;
  private readonly hill: HillPanel;
  private readonly linePanel: HTMLElement;
  private readonly contourPanel: HTMLElement;
  private readonly note = h("p", { class: "note" });
  private readonly outside = ["line", "contour"].map(() => h("span", { class: "outside", "aria-live": "polite" }));

  constructor(private readonly context: Context) {
    const { laboratory, frames, theme } = context;
    this.line = new LinePlot(frames, theme);
    this.contour = new ContourPlot(frames, theme);
    this.hill = new HillPanel(context, (point) => this.place(point));
    this.linePanel = figure(["The line", this.outside[0]], this.line.canvas, "curve");
    this.contourPanel = figure(["From above", this.outside[1]], this.contour.canvas, "contour");
    this.makePlaceable(this.line.canvas, (x) => {
      const at = this.line.placeAt(x);
      return at === undefined ? undefined : [at];
    });
    this.makePlaceable(this.contour.canvas, (x, y) => this.contour.placeAt(x, y));
    laboratory.on("surface", () => this.showSurface());
    laboratory.on("function", () => this.showFunction());
    laboratory.on(["path", "step"], () => this.showPath());
    laboratory.on(["path", "step"], () => this.describe());
  }

  /** The picture that "save picture" saves. */
  get canvases(): readonly HTMLCanvasElement[] {
    return this.isLine ? [this.line.canvas] : [...this.hill.canvases, this.contour.canvas];
  }

  private get isLine(): boolean {
    return this.context.laboratory.setting.ranges.length === 1;
  }

  private showSurface(): void {
    const { surface, setting } = this.context.laboratory;
    if (!surface) return this.element.replaceChildren();
    const panels = this.isLine ? [this.linePanel] : [this.hill.element, this.contourPanel, this.note];
    this.element.classList.toggle("two", !this.isLine);
    if (this.element.firstChild !== panels[0]) this.element.replaceChildren(...panels);
    if (this.isLine) this.line.surface = surface;
    else {
      const field = new Field(surface);
      this.contour.field = field;
      this.hill.show(field);
      replaceText(this.note, noteOf(field, setting.start.length));
    }
    this.showFunction();
    this.showPath();
  }

  private showFunction(): void {
    const { laboratory } = this.context;
    const { problem } = laboratory;
    const variables = problem?.variables ?? ["x", "y"];
    const minima = problem?.minima ?? [];
    this.line.variable = variables[0] ?? "x";
    this.contour.variables = drawnNames(problem, laboratory.setting.slice);
    this.hill.variables = this.contour.variables;
    this.line.minima = minima;
    this.contour.minima = laboratory.n_variables > 2 ? [] : minima;
    this.line.renew();
    this.contour.renew();
  }

  private showPath(): void {
    const { path, surface } = this.context.laboratory;
    const { shown } = this.context.player;
    if (!surface) return;
    for (const plot of [this.line, this.contour]) {
      plot.path = path;
      plot.position = shown;
    }
    const plot = this.isLine ? this.line : this.contour;
    const isSeen = !path || plot.shows(path, this.context.player.row);
    for (const told of this.outside) replaceText(told, isSeen ? "" : "the marble is outside what is drawn");
    if (this.isLine) this.line.changed();
    else {
      this.contour.changed();
      if (path) this.hill.follow(path, shown);
    }
  }

  private describe(): void {
    const { path } = this.context.laboratory;
    if (this.context.player.playing || !path) return;
    const { row } = this.context.player;
    const words = `marble at step ${row} of ${path.n_rows - 1}, loss ${short(path.losses[row] ?? NaN)}`;
    this.line.canvas.setAttribute("aria-label", `Curve of the loss; ${words}. Arrow keys move the start.`);
    this.contour.canvas.setAttribute("aria-label", `Contours of the loss; ${words}. Arrow keys move the start.`);
  }

  private place(point: readonly number[]): void {
    this.context.player.reset();
    void this.context.laboratory.placeAt(point);
  }

  /** Where the start is drawn. */
  private get drawnStart(): readonly number[] {
    const { path, setting } = this.context.laboratory;
    return path && path.n_variables > 2 ? [drawnAt(path, 0, 0), drawnAt(path, 0, 1)] : setting.start;
  }

  private makePlaceable(canvas: HTMLCanvasElement, placeAt: (x: number, y: number) => number[] | undefined): void {
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.addEventListener("pointerdown", (event) => {
      const point = placeAt(event.offsetX, event.offsetY);
      if (point) this.place(point);
    });
    canvas.addEventListener("keydown", (event) => {
      const direction = DIRECTIONS[event.key];
      if (!direction) return;
      event.preventDefault();
      const { ranges } = this.context.laboratory.setting;
      const reach = event.shiftKey ? 5 * NUDGE : NUDGE;
      this.place(
        this.drawnStart.map((value, k) => {
          const [low, high] = ranges[k] ?? [0, 0];
          return Math.max(low, Math.min(high, value + (direction[k] ?? 0) * reach * (high - low)));
        }),
      );
    });
  }
}

export const DIRECTIONS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** With a title, and perhaps with what is to be said beside it. */
export const figure = (
  title: Child | readonly Child[],
  canvas: HTMLElement,
  name: string,
  ...more: HTMLElement[]
): HTMLElement => h("figure", { class: `panel ${name}` }, h("figcaption", {}, ...[title].flat()), canvas, ...more);

function noteOf(field: Field, n_variables: number): string {
  const notes = [];
  if (field.power !== 1)
    notes.push("Heights are drawn compressed, so that both the valley and the heights around it are seen.");
  if (field.scale.isLogarithmic)
    notes.push("Heights are drawn on a logarithmic scale: the highest loss dwarfs most others.");
  if (n_variables > 2)
    notes.push(
      "A slice through more than two variables: each step is drawn at its foot on it, and may lie higher or lower.",
    );
  return notes.join(" ");
}
