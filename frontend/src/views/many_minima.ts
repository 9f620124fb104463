// Many marbles on one function: where each ends, how many minima they found, and the map of which start leads where.

import { button, h, replaceText } from "../drawing/element";
import { series } from "../drawing/palette";
import type { Basins, Dropped } from "../state/answers";
import { Latest } from "../state/latest";
import { counted, short } from "../state/numbers";
import type { Setting } from "../state/setting";
import type { Context, View } from "./context";
import { FunctionBar } from "./function_bar";
import { MarblePlot } from "./marble_plot";
import { MethodPanel } from "./method_panel";
import { RateSlider } from "./rate_slider";

const MOST = 256;
/** Ends that are closer than this share of the range are one minimum's. */
const SAME = 1e-2;
const RESOLUTION = { 1: 401, 2: 144 } as const;

/** Marbles that the address tells of. */
const MOST_TOLD = 100;

function recalledStarts(address: string, n: number): number[][] {
  const starts = address.split(";").map((start) => start.split(",").map(Number));
  return starts.filter((start) => start.length === n && start.every(Number.isFinite)).slice(0, MOST);
}

export class ManyMinima implements View {
  readonly descents = [];
  readonly element: HTMLElement;
  private readonly plot: MarblePlot;
  private readonly count = h("p", { class: "big", role: "status" }, "0 drops");
  private readonly found = h("table", { class: "found" });
  private readonly message = h("p", { class: "note" });
  private readonly overlay: HTMLInputElement;
  private starts: number[][] = [];
  private fun = "";
  /** The marbles of other functions: they lie there again when their function comes back. */
  private readonly others = new Map<string, number[][]>();
  private dropped: Dropped | undefined;
  /** The minima met so far, by place: marbles and map give one the same colour. */
  private known: (readonly number[])[] = [];
  private readonly drops = new Latest<Setting>((setting) => this.fetchDrops(setting));
  private readonly maps = new Latest<Setting>((setting) => this.fetchBasins(setting));

  constructor(private readonly context: Context) {
    const { laboratory } = context;
    this.plot = new MarblePlot(context, (point) => this.drop([point]));
    this.overlay = h("input", { type: "checkbox", onchange: () => void this.showBasins() });
    const rate = h(
      "section",
      { class: "panel controls rate", "aria-label": "Learning rate" },
      new RateSlider(context).element,
    );
    const marbles = h(
      "section",
      { class: "panel controls", "aria-label": "Marbles" },
      this.count,
      h(
        "div",
        { class: "chips" },
        button("Drop 1", () => this.scatter(1), { class: "primary" }),
        button("Drop 10", () => this.scatter(10)),
        button("Drop 50", () => this.scatter(50)),
        button("Clear", () => this.lay([])),
      ),
      h("label", { class: "field" }, this.overlay, "Show which start leads where"),
      this.found,
      this.message,
      new MethodPanel(context, false).element,
    );
    this.element = h(
      "div",
      { class: "split" },
      h("div", { class: "wide" }, new FunctionBar(context).element),
      h("div", { class: "stack tall" }, this.plot.element),
      h("div", { class: "aside" }, rate, marbles),
    );
    laboratory.on("surface", () => this.plot.showSurface());
    laboratory.on("function", () => this.switchTo(laboratory.setting.fun));
    laboratory.on("setting", () => this.isOpen && this.again());
  }

  private isOpen = false;

  open(address?: string): void {
    this.isOpen = true;
    if (address) this.starts = recalledStarts(address, this.context.laboratory.n_variables);
    this.plot.showSurface();
    this.tell();
    this.again();
  }

  /** So many that a link can hold them. */
  get address(): string {
    return this.starts
      .slice(0, MOST_TOLD)
      .map((start) => start.map((v) => Number(v.toPrecision(6))).join(","))
      .join(";");
  }

  close(): void {
    this.isOpen = false;
  }

  private scatter(count: number): void {
    const { ranges } = this.context.laboratory.setting;
    const anywhere = (): number[] => ranges.map(([low, high]) => low + Math.random() * (high - low));
    this.drop(Array.from({ length: count }, anywhere));
  }

  private drop(points: readonly number[][]): void {
    if (!this.plot.canDrop) return;
    const room = MOST - this.starts.length;
    if (room < points.length)
      replaceText(this.message, `At most ${MOST} marbles lie here at once; clear them to go on.`);
    this.starts.push(...points.slice(0, room));
    void this.drops.want(this.context.laboratory.setting);
  }

  private switchTo(fun: string): void {
    if (fun === this.fun) return;
    this.others.set(this.fun, this.starts);
    this.fun = fun;
    this.lay(this.others.get(fun) ?? []);
  }

  private lay(starts: number[][]): void {
    this.starts = starts;
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
      this.context.laboratory.tell("tab");
    } catch (error) {
      this.context.laboratory.complain(error);
    }
  }

  private showBasins(): void {
    this.plot.showMap();
    if (this.overlay.checked && this.plot.canDrop) void this.maps.want(this.context.laboratory.setting);
  }

  private async fetchBasins(setting: Setting): Promise<void> {
    const resolution = setting.ranges.length === 1 ? RESOLUTION[1] : RESOLUTION[2];
    replaceText(this.message, "Computing where each start leads\u2026");
    try {
      const basins = (await this.context.laboratory.backend.call("basins", { ...setting, resolution })) as Basins;
      if (!this.overlay.checked || setting.fun !== this.context.laboratory.setting.fun) return;
      const colors = basins.minima.map(({ x }) => this.colorOf(x));
      const which = basins.which.data.map((minimum) => colors[minimum] ?? -1);
      this.plot.showMap(which, basins.which.shape.length === 2 ? basins.which.shape[0] : 0, basins.steps.data);
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
    this.plot.draw(this.dropped, (x) => this.colorOf(x));
  }
}
