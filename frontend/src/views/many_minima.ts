// Many marbles on one function: where each ends, how many minima they found, and the map of which start leads where.

import { button, h, replaceText } from "../drawing/element";
import { Field } from "../drawing/field";
import { series } from "../drawing/palette";
import type { Basins, Dropped } from "../state/answers";
import { Latest } from "../state/latest";
import { counted, short } from "../state/numbers";
import { pathOfFan } from "../state/path";
import type { Setting } from "../state/setting";
import { ContourPlot } from "./contour_plot";
import type { Context, View } from "./context";
import { FunctionBar } from "./function_bar";
import { LinePlot, type Dot } from "./line_plot";
import { MethodPanel } from "./method_panel";
import { RateSlider } from "./rate_slider";
import { figure } from "./stage";

const MOST = 256;
/** Ends that are closer than this share of the range are one minimum's. */
const SAME = 1e-2;
const RESOLUTION = { 1: 401, 2: 144 } as const;

export class ManyMinima implements View {
  readonly element: HTMLElement;
  private readonly line: LinePlot;
  private readonly contour: ContourPlot;
  private readonly place = h("div");
  private readonly count = h("p", { class: "big", role: "status" }, "0 drops");
  private readonly found = h("table", { class: "found" });
  private readonly message = h("p", { class: "note" });
  private readonly overlay: HTMLInputElement;
  private starts: number[][] = [];
  private dropped: Dropped | undefined;
  /** The minima met so far, by place: marbles and map give one the same colour. */
  private known: (readonly number[])[] = [];
  private readonly drops = new Latest<Setting>((setting) => this.fetchDrops(setting));
  private readonly maps = new Latest<Setting>((setting) => this.fetchBasins(setting));

  constructor(private readonly context: Context) {
    const { laboratory, frames, theme } = context;
    this.line = new LinePlot(frames, theme);
    this.contour = new ContourPlot(frames, theme);
    this.listen(this.line.canvas, (x) => {
      const at = this.line.placeAt(x);
      return at === undefined ? undefined : [at];
    });
    this.listen(this.contour.canvas, (x, y) => this.contour.placeAt(x, y));
    this.overlay = h("input", { type: "checkbox", onchange: () => void this.showBasins() });
    const panel = h(
      "section",
      { class: "panel controls", "aria-label": "Marbles" },
      this.count,
      h(
        "div",
        { class: "chips" },
        button("Drop 1", () => this.scatter(1), { class: "primary" }),
        button("Drop 10", () => this.scatter(10)),
        button("Drop 50", () => this.scatter(50)),
        button("Clear", () => this.clear()),
      ),
      h("label", { class: "field" }, this.overlay, "Show which start leads where"),
      this.found,
      this.message,
      new RateSlider(context).element,
      new MethodPanel(context, false).element,
    );
    this.element = h(
      "div",
      { class: "split" },
      h("div", { class: "wide" }, new FunctionBar(context).element),
      h("div", { class: "stack tall" }, this.place),
      panel,
    );
    laboratory.on("surface", () => this.showSurface());
    laboratory.on("function", () => this.clear());
    laboratory.on("setting", () => this.isOpen && this.again());
  }

  private isOpen = false;

  open(): void {
    this.isOpen = true;
    this.showSurface();
    this.again();
  }

  close(): void {
    this.isOpen = false;
  }

  private get isLine(): boolean {
    return this.context.laboratory.setting.ranges.length === 1;
  }

  private get canDrop(): boolean {
    return this.context.laboratory.n_variables <= 2;
  }

  private showSurface(): void {
    const { surface, problem } = this.context.laboratory;
    if (!surface) return;
    if (!this.canDrop) {
      this.place.replaceChildren(
        h("p", { class: "panel empty" }, "Marbles are dropped on functions of one or two variables."),
      );
      return;
    }
    const plot = this.isLine ? this.line : this.contour;
    if (this.isLine) this.line.surface = surface;
    else this.contour.field = new Field(surface);
    this.line.variable = problem?.variables[0] ?? "x";
    this.contour.variables = problem?.variables ?? ["x", "y"];
    this.line.renew();
    this.place.replaceChildren(figure("Click or press Enter to drop a marble", plot.canvas, "many"));
    this.draw();
  }

  private listen(canvas: HTMLCanvasElement, placeAt: (x: number, y: number) => number[] | undefined): void {
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", "Drop marbles: a click drops one there, Enter drops one anywhere.");
    canvas.addEventListener("pointerdown", (event) => {
      const point = placeAt(event.offsetX, event.offsetY);
      if (point) this.drop([point]);
    });
    canvas.addEventListener("keydown", (event) => event.key === "Enter" && this.scatter(1));
  }

  private scatter(count: number): void {
    const { ranges } = this.context.laboratory.setting;
    const anywhere = (): number[] => ranges.map(([low, high]) => low + Math.random() * (high - low));
    this.drop(Array.from({ length: count }, anywhere));
  }

  private drop(points: readonly number[][]): void {
    if (!this.canDrop) return;
    const room = MOST - this.starts.length;
    if (room < points.length)
      replaceText(this.message, `At most ${MOST} marbles lie here at once; clear them to go on.`);
    this.starts.push(...points.slice(0, room));
    void this.drops.want(this.context.laboratory.setting);
  }

  private clear(): void {
    this.starts = [];
    this.dropped = undefined;
    this.known = [];
    this.showBasins();
    replaceText(this.message, "");
    this.tell();
  }

  /** The number of a minimum's colour. */
  private colorOf(x: readonly number[]): number {
    const { ranges } = this.context.laboratory.setting;
    const isNear = (other: readonly number[]): boolean =>
      other.every(
        (value, k) => Math.abs(value - (x[k] ?? NaN)) < SAME * ((ranges[k]?.[1] ?? 1) - (ranges[k]?.[0] ?? 0)),
      );
    const found = this.known.findIndex(isNear);
    return found >= 0 ? found : this.known.push(x) - 1;
  }

  /** The same marbles under what is set now. */
  private again(): void {
    if (this.starts.length > 0) void this.drops.want(this.context.laboratory.setting);
    if (this.overlay.checked) void this.maps.want(this.context.laboratory.setting);
  }

  private async fetchDrops(setting: Setting): Promise<void> {
    const { starts } = this;
    if (starts.length === 0 || starts[0]?.length !== setting.start.length) return;
    try {
      const params = { ...setting, starts: [...starts] };
      const dropped = (await this.context.laboratory.backend.call("drop", params)) as Dropped;
      if (this.starts.length > 0) this.dropped = dropped;
      this.tell();
    } catch (error) {
      this.context.laboratory.complain(error);
    }
  }

  private showBasins(): void {
    this.contour.showBasins(undefined);
    this.line.basins = undefined;
    this.line.renew();
    if (this.overlay.checked && this.canDrop) void this.maps.want(this.context.laboratory.setting);
  }

  private async fetchBasins(setting: Setting): Promise<void> {
    const resolution = setting.ranges.length === 1 ? RESOLUTION[1] : RESOLUTION[2];
    replaceText(this.message, "Computing where each start leads\u2026");
    try {
      const basins = (await this.context.laboratory.backend.call("basins", { ...setting, resolution })) as Basins;
      if (!this.overlay.checked || setting.fun !== this.context.laboratory.setting.fun) return;
      const colors = basins.minima.map(({ x }) => this.colorOf(x));
      const which = basins.which.data.map((minimum) => colors[minimum] ?? -1);
      if (basins.which.shape.length === 1) this.line.basins = which;
      else this.contour.showBasins(which, basins.which.shape[0], basins.steps.data);
      this.line.renew();
      replaceText(this.message, basins.message);
    } catch (error) {
      this.context.laboratory.complain(error);
    }
  }

  private tell(): void {
    const minima = this.dropped?.minima ?? [];
    const n = this.dropped?.which.data.length ?? 0;
    replaceText(
      this.count,
      `${counted(n, "drop")}, ${minima.length} ${minima.length === 1 ? "minimum" : "minima"} found`,
    );
    const rows = minima.map(({ x, loss, count }) => {
      const color = h("span", { class: "color" });
      color.style.background = series(this.colorOf(x));
      const at = x.map((value) => short(value, 4)).join(", ");
      return h("tr", {}, h("td", {}, color, at), h("td", {}, short(loss, 5)), h("td", {}, String(count)));
    });
    const none = this.dropped?.which.data.filter((which) => which < 0).length ?? 0;
    if (none > 0) rows.push(h("tr", {}, h("td", {}, "none"), h("td", {}, "\u2013"), h("td", {}, String(none))));
    const head = h(
      "tr",
      {},
      h("th", { scope: "col" }, "minimum"),
      h("th", { scope: "col" }, "loss"),
      h("th", { scope: "col" }, "marbles"),
    );
    this.found.replaceChildren(...(rows.length > 0 ? [head, ...rows] : []));
    if (this.dropped?.message) replaceText(this.message, this.dropped.message);
    this.draw();
  }

  private draw(): void {
    const { dropped } = this;
    const dots: Dot[] = [];
    const trails = [];
    for (let k = 0; k < (dropped?.which.data.length ?? 0); k++) {
      if (!dropped) break;
      const which = dropped.which.data[k] ?? -1;
      const minimum = dropped.minima[which];
      const color = minimum ? series(this.colorOf(minimum.x)) : "#8c8c8c";
      const path = pathOfFan(dropped, k);
      trails.push({ path, color });
      const x = Array.from(path.points.subarray(0, path.n_variables));
      dots.push({ x, loss: path.losses[0] ?? NaN, color });
    }
    this.line.dots = this.contour.dots = dots;
    this.contour.trails = trails;
    this.line.changed();
    this.contour.changed();
  }
}
