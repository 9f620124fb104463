// The classic demonstration in one dimension: start, rate, decay of the rate and momentum, on four curves.

import { button, h } from "../drawing/element";
import type { Present } from "../state/laboratory";
import type { Setting } from "../state/setting";
import type { Context, View } from "./context";
import { RateSlider } from "./rate_slider";
import { Scrubber } from "./scrubber";
import { decaySlider } from "./method_panel";
import { Slider } from "./slider";
import { Stage } from "./stage";
import { Readouts, Transport } from "./transport";
import { Verdict, Why } from "./why";

const CURVES = [
  ["parabola", "Parabola"],
  ["sine", "Sine"],
  ["many_minima", "Many minima"],
  ["notch", "Notch"],
] as const;

/** What was shown, and the step at which the marble was. */
type Left = Present & { readonly row: number };

const isOneOfThem = ({ fun }: Setting): boolean => CURVES.some(([name]) => name === fun);

export class Decay implements View {
  readonly descents = [{}];
  readonly element: HTMLElement;
  private start: Slider;
  private readonly momentum: Slider;
  private readonly decay: Slider;
  private readonly startPlace = h("div");
  private readonly buttons: readonly HTMLButtonElement[];
  private ranges = "";
  /** What the other tabs show while this one is open, and what this one shows while it is not. */
  private others: Left | undefined;
  private own: Left | undefined;
  /** What was asked for and has not come yet. */
  private returning: Left | undefined;

  constructor(private readonly context: Context) {
    const { laboratory } = context;
    this.buttons = CURVES.map(([name, title]) => button(title, () => this.choose(name), { "data-curve": name }));
    this.start = this.startSlider(-1, 1);
    this.momentum = new Slider({
      name: "momentum",
      low: 0,
      high: 0.99,
      step: 0.01,
      onInput: (beta) => void laboratory.change({ coefficients: { beta } }),
    });
    this.decay = decaySlider((decay) => void laboratory.change({ decay }));
    const controls = h(
      "section",
      { class: "panel controls rate", "aria-label": "The four controls" },
      this.startPlace,
      new RateSlider(context).element,
      this.decay.element,
      this.momentum.element,
      new Verdict(context).element,
    );
    const rolling = h(
      "section",
      { class: "panel controls", "aria-label": "Controls" },
      new Transport(context).element,
      new Readouts(context).element,
    );
    this.element = h(
      "div",
      { class: "descend" },
      h("div", { class: "function-bar chips", role: "group", "aria-label": "Curve" }, ...this.buttons),
      new Stage(context).element,
      h("div", { class: "side" }, controls, rolling, new Why(context).element),
      new Scrubber(context).element,
    );
    laboratory.on("setting", () => this.show());
    laboratory.on("function", () => this.show());
  }

  open(address?: string): void {
    const { laboratory, player } = this.context;
    const { setting, present } = laboratory;
    // What an address opened is no other tab's.
    if (address === undefined) this.others = this.returning ?? { ...present, row: player.row };
    this.returning = undefined;
    if (this.own) this.bringBack(this.own);
    else if (!isOneOfThem(setting)) this.choose("notch");
    else if (setting.method !== "momentum") void laboratory.change({ method: "momentum", coefficients: { beta: 0 } });
    this.show();
  }

  close(): void {
    const { laboratory, player } = this.context;
    const { setting, present } = laboratory;
    // Where its function has not come yet, the setting is still the others'.
    const isHere = !this.returning && isOneOfThem(setting) && setting.method === "momentum";
    if (isHere) this.own = { ...present, row: player.row };
    this.returning = undefined;
    if (this.others) this.bringBack(this.others);
    this.others = undefined;
  }

  /** The marble goes to its step once the run has come, unless something else was asked for by then. */
  private bringBack(left: Left): void {
    const { laboratory, player } = this.context;
    this.returning = left;
    player.reset();
    void laboratory.bringBack(left).then(() => {
      if (this.returning !== left) return;
      this.returning = undefined;
      player.go(left.row);
    });
  }

  private choose(fun: string): void {
    this.context.player.reset();
    const { coefficients, method } = this.context.laboratory.setting;
    const beta = method === "momentum" ? (coefficients.beta ?? 0) : 0;
    void this.context.laboratory.useFunction(fun, { method: "momentum", coefficients: { beta } });
  }

  private startSlider(low: number, high: number): Slider {
    const { laboratory, player } = this.context;
    const slider = new Slider({
      name: "start",
      low,
      high,
      step: (high - low) / 400,
      onInput: (value) => {
        player.reset();
        void laboratory.change({ start: [value] });
      },
    });
    this.startPlace.replaceChildren(slider.element);
    return slider;
  }

  private show(): void {
    const { setting } = this.context.laboratory;
    const [range] = setting.ranges;
    if (setting.start.length !== 1 || !range) return;
    if (range.join() !== this.ranges) {
      this.ranges = range.join();
      this.start = this.startSlider(...range);
    }
    this.start.value = setting.start[0] ?? NaN;
    this.momentum.value = setting.coefficients.beta ?? 0;
    this.decay.value = setting.decay ?? 1;
    for (const one of this.buttons) one.setAttribute("aria-pressed", String(one.dataset.curve === setting.fun));
  }
}
