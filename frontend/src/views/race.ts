// Methods side by side from the same start, step by step together; who is there first, and who is lower.

import { h, labelled, replaceText } from "../drawing/element";
import { Field } from "../drawing/field";
import { series } from "../drawing/palette";
import type { MethodInfo, Race } from "../state/answers";
import { Latest } from "../state/latest";
import { short } from "../state/numbers";
import { pathOfRun } from "../state/path";
import { type Change, FIRST, type Setting } from "../state/setting";
import { ContourPlot } from "./contour_plot";
import type { Context, View } from "./context";
import { LinePlot } from "./line_plot";
import { LossCurves } from "./loss_curves";
import { RaceClock } from "./race_clock";
import { controlsOf, type Entrant, recalled, standing } from "./race_entrant";
import { figure } from "./stage";

const RAVINE = "ravine";
const MOST = 6;
/** A race is run to the end, where the other tabs show a beginning. */
const STEPS = 1000;

export class RaceView implements View {
  readonly element: HTMLElement;
  private readonly lanes = h("div", { class: "lanes" });
  private readonly controls = h("div", { class: "stack" });
  private readonly curves: LossCurves;
  private readonly words = h("span", { role: "status", class: "outcome" });
  private readonly chooser = h("select", { "aria-label": "Function of the race" });
  private readonly adder = h("select", { "aria-label": "Method to add" });
  private readonly clock: RaceClock;
  private entrants: Entrant[] = [];
  private race: Race | undefined;
  private readonly races = new Latest<Setting>((setting) => this.fetch(setting));

  constructor(private readonly context: Context) {
    const { laboratory, frames, theme } = context;
    this.curves = new LossCurves(frames, theme);
    this.clock = new RaceClock(frames, () => this.show());
    this.chooser.addEventListener("change", () => void laboratory.useFunction(this.chooser.value));
    this.adder.addEventListener("change", () => this.addChosen());
    const bar = h(
      "section",
      { class: "panel row race-bar" },
      labelled("on", this.chooser),
      labelled("add", this.adder),
      ...this.clock.controls,
    );
    const curves = figure("Losses, step by step", this.curves.canvas, "curves");
    const side = h(
      "section",
      { class: "panel stack", "aria-label": "Entrants" },
      h("h2", {}, "Entrants"),
      this.controls,
    );
    this.element = h(
      "div",
      { class: "split race" },
      h("div", { class: "wide stack" }, bar, h("p", { class: "panel" }, h("strong", {}, this.words))),
      h("div", { class: "stack" }, this.lanes, curves),
      side,
    );
    laboratory.on("surface", () => this.isOpen && this.showSurface());
    laboratory.on("function", () => this.isOpen && this.rates());
    laboratory.on("setting", () => this.isOpen && void this.races.want(laboratory.setting));
  }

  private isOpen = false;

  open(address?: string): void {
    this.isOpen = true;
    const { laboratory } = this.context;
    this.fillChoosers();
    for (const { method, coefficients, rate } of recalled(address)) this.add(method, coefficients, rate);
    if (this.entrants.length === 0) {
      this.add("gradient_descent");
      this.add("momentum");
      // The first race is in the ravine, unless an address says otherwise or another function is on the table.
      if (address === undefined && laboratory.setting.fun === FIRST.fun) void laboratory.useFunction(RAVINE);
    }
    this.rates(false);
    this.showSurface();
    if (laboratory.problem) void this.races.want(laboratory.setting);
  }

  get descents(): readonly Change[] {
    const max_steps = stepsOf(this.context.laboratory.setting);
    return this.entrants.map((entrant) => ({ ...changeOf(entrant), max_steps }));
  }

  get address(): string {
    return JSON.stringify(this.entrants.map(({ method, coefficients, rate }) => ({ method, coefficients, rate })));
  }

  close(): void {
    this.isOpen = false;
    this.clock.stop();
  }

  private fillChoosers(): void {
    const { hello, setting } = this.context.laboratory;
    const names = (hello?.functions ?? []).filter(({ n_variables }) => n_variables <= 2).map(({ name }) => name);
    if (!names.includes(setting.fun)) names.unshift(setting.fun);
    this.chooser.replaceChildren(...names.map((name) => h("option", { value: name }, name.replaceAll("_", " "))));
    this.chooser.value = setting.fun;
    const methods = (hello?.methods ?? []).map(({ name, title }) => h("option", { value: name }, title));
    this.adder.replaceChildren(h("option", { value: "" }, "\u2013 a method \u2013"), ...methods);
  }

  private infoOf(method: string): MethodInfo | undefined {
    return this.context.laboratory.hello?.methods.find(({ name }) => name === method);
  }

  private addChosen(): void {
    if (this.adder.value) this.add(this.adder.value);
    this.adder.value = "";
    this.showSurface();
    void this.races.want(this.context.laboratory.setting);
  }

  private add(method: string, given: Record<string, number> = {}, givenRate?: number | null): void {
    if (this.entrants.length === MOST) return replaceText(this.words, `At most ${MOST} race at once.`);
    const { frames, theme, laboratory } = this.context;
    const own = this.infoOf(method)?.coefficients ?? [];
    const coefficients = Object.fromEntries(own.map(({ name, default: value }) => [name, given[name] ?? value]));
    const rate = givenRate ?? laboratory.problem?.learning_rates[method]?.default ?? null;
    const plot = laboratory.setting.ranges.length === 1 ? new LinePlot(frames, theme) : new ContourPlot(frames, theme);
    this.entrants.push({ method, coefficients, rate, plot, readout: h("p", { class: "note" }), path: undefined });
    this.arrange();
  }

  private arrange(): void {
    const { laboratory } = this.context;
    const want = (): void => void this.races.want(laboratory.setting);
    const leave = (entrant: Entrant): void => {
      this.entrants = this.entrants.filter((other) => other !== entrant);
      this.arrange();
      want();
    };
    this.controls.replaceChildren(
      ...this.entrants.map((entrant, k) => controlsOf(entrant, series(k), laboratory, want, () => leave(entrant))),
    );
    this.lanes.replaceChildren(
      ...this.entrants.map(({ method, plot, readout }, k) => {
        const title = this.infoOf(method)?.title ?? method;
        plot.color = series(k);
        plot.canvas.setAttribute("role", "img");
        plot.canvas.setAttribute("aria-label", `${title}: its path`);
        return figure(title, plot.canvas, "lane", readout);
      }),
    );
  }

  /** Another function has other rates. */
  private rates(isNew = true): void {
    for (const entrant of this.entrants) {
      if (isNew || entrant.rate === null) {
        entrant.rate = this.context.laboratory.problem?.learning_rates[entrant.method]?.default ?? null;
      }
    }
    if (isNew) this.fillChoosers();
    this.arrange();
  }

  private showSurface(): void {
    const { surface, setting, problem } = this.context.laboratory;
    if (!surface) return;
    const { frames, theme } = this.context;
    const isLine = setting.ranges.length === 1;
    for (const entrant of this.entrants) {
      if (isLine !== entrant.plot instanceof LinePlot) {
        entrant.plot = isLine ? new LinePlot(frames, theme) : new ContourPlot(frames, theme);
      }
      if (entrant.plot instanceof LinePlot) {
        entrant.plot.surface = surface;
        entrant.plot.variable = problem?.variables[0] ?? "x";
      } else {
        entrant.plot.field = new Field(surface);
        entrant.plot.variables = problem?.variables ?? ["x", "y"];
        entrant.plot.minima = problem?.minima ?? [];
      }
      entrant.plot.renew();
    }
    this.arrange();
    this.show();
  }

  private async fetch(setting: Setting): Promise<void> {
    if (this.entrants.length === 0) return replaceText(this.words, "Nobody races: add a method.");
    const racing = [...this.entrants];
    try {
      const race = (await this.context.laboratory.backend.call("race", {
        ...setting,
        max_steps: stepsOf(setting),
        entrants: this.entrants.map(changeOf),
      })) as Race;
      this.race = race;
      racing.forEach((entrant, k) => {
        const run = race.runs[k];
        entrant.path = run && pathOfRun(run, entrant.rate);
      });
      this.curves.curves = racing.map(({ path }, k) => ({
        losses: path?.losses ?? new Float64Array(),
        color: series(k),
      }));
      replaceText(this.words, race.words);
      this.clock.lastStep = this.lastRow;
      this.context.laboratory.tell("tab");
    } catch (error) {
      this.context.laboratory.complain(error);
    }
  }

  private get lastRow(): number {
    return Math.max(0, ...this.entrants.map(({ path }) => (path?.n_rows ?? 1) - 1));
  }

  private show(): void {
    const { step, position } = this.clock;
    this.curves.step = step;
    this.curves.changed();
    const n = this.entrants.length;
    const above = this.race?.differences.data.subarray(step * n, (step + 1) * n) ?? [];
    this.entrants.forEach(({ path, plot, readout }, k) => {
      plot.path = path;
      if (path) plot.position = Math.min(this.context.theme.isStill ? step : position, path.n_rows - 1);
      plot.changed();
      const row = Math.min(step, (path?.n_rows ?? 1) - 1);
      const loss = `loss ${short(path?.losses[row] ?? NaN)}`;
      replaceText(readout, path ? [loss, standing(above, k)].filter(Boolean).join(" \u00b7 ") : "");
    });
  }
}

const stepsOf = ({ max_steps }: Setting): number => Math.max(max_steps, STEPS);

const changeOf = ({ method, coefficients, rate }: Entrant): Change => ({ method, coefficients, learning_rate: rate });
