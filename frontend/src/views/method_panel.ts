// How it is descended: the method and its coefficients, the decay of the rate, noise, steps, and the exact start.

import { h, labelled } from "../drawing/element";
import type { Coefficient } from "../state/answers";
import { exact, typed } from "../state/numbers";
import type { Change } from "../state/setting";
import type { Context } from "./context";
import { isFocused, Slider } from "./slider";
import { A_NUMBER, mustBe, Wanted } from "./wanted";

export class MethodPanel {
  readonly element: HTMLElement;
  private readonly method = h("select", { "aria-label": "Method" });
  private readonly coefficients = h("div", { class: "sliders" });
  private readonly decay: Slider;
  private readonly start = h("div", { class: "start" });
  private readonly wanted = new Wanted();
  private readonly steps: HTMLInputElement;
  private readonly noise: HTMLInputElement;
  private readonly seed: HTMLInputElement;
  private sliders = new Map<string, Slider>();

  constructor(
    private readonly context: Context,
    withStart = true,
  ) {
    const { laboratory } = context;
    this.method.addEventListener(
      "change",
      () => void laboratory.change({ method: this.method.value, coefficients: {} }),
    );
    this.decay = decaySlider((decay) => void laboratory.change({ decay }));
    this.steps = this.field("number of steps", (value) => ({ max_steps: Math.round(value) }));
    this.noise = this.field("noise", (noise) => ({ noise }));
    this.seed = this.field("seed", (seed) => ({ seed: Math.round(seed) }));
    this.element = h(
      "div",
      { class: "method" },
      h(
        "fieldset",
        { disabled: context.isFixed },
        labelled("method", this.method),
        this.coefficients,
        withStart && labelled("start", this.start),
        this.wanted.element,
        h(
          "details",
          {},
          h("summary", {}, "Decay, noise, number of steps"),
          this.decay.element,
          h(
            "div",
            { class: "row" },
            labelled("noise", this.noise),
            labelled("seed", this.seed),
            labelled("number of steps", this.steps),
          ),
        ),
      ),
    );
    laboratory.on("hello", () => {
      const { methods = [] } = laboratory.hello ?? {};
      this.method.replaceChildren(...methods.map(({ name, title }) => h("option", { value: name }, title || name)));
    });
    laboratory.on(["setting", "function"], () => this.show());
  }

  private field(label: string, change: (value: number) => Change): HTMLInputElement {
    const field = h("input", { type: "text", inputmode: "decimal", class: "number", "data-field": label });
    field.addEventListener("change", () => {
      const value = typed(field.value);
      const name = field.getAttribute("aria-label") ?? label;
      this.wanted.judge(field, Number.isFinite(value), mustBe(name, A_NUMBER, field));
      if (Number.isFinite(value)) void this.ask(field, change(value));
    });
    return field;
  }

  /** Python may refuse what is a number, too, and tells why. */
  private async ask(field: HTMLInputElement, change: Change): Promise<void> {
    const { laboratory } = this.context;
    await laboratory.change(change);
    if (laboratory.trouble) this.wanted.judge(field, false, "This was refused: the message below tells why.");
  }

  private fill(field: HTMLInputElement, value: number): void {
    if (isFocused(field)) return;
    field.value = exact(value);
    this.wanted.clear(field);
  }

  private show(): void {
    const { setting, method } = this.context.laboratory;
    this.method.value = setting.method;
    const own = method?.coefficients ?? [];
    const names = own.map(({ name }) => name);
    if (names.join() !== [...this.sliders.keys()].join()) this.arrange(own);
    for (const [name, slider] of this.sliders) slider.value = setting.coefficients[name] ?? NaN;
    this.decay.value = setting.decay ?? 1;
    for (const [field, value] of [
      [this.steps, setting.max_steps],
      [this.noise, setting.noise],
      [this.seed, setting.seed],
    ] as const) {
      this.fill(field, value);
    }
    this.showStart();
  }

  private arrange(own: readonly Coefficient[]): void {
    const { laboratory } = this.context;
    this.sliders = new Map(
      own.map((coefficient) => [
        coefficient.name,
        coefficientSlider(coefficient, (value) => {
          const { coefficients } = laboratory.setting;
          void laboratory.change({ coefficients: { ...coefficients, [coefficient.name]: value } });
        }),
      ]),
    );
    this.coefficients.replaceChildren(...[...this.sliders.values()].map(({ element }) => element));
  }

  private showStart(): void {
    const { setting, problem } = this.context.laboratory;
    const fields = [...this.start.querySelectorAll("input")];
    if (fields.length !== setting.start.length) {
      for (const field of fields) this.wanted.clear(field);
      this.start.replaceChildren(...setting.start.map((_, k) => this.startField(k)));
    }
    [...this.start.querySelectorAll("input")].forEach((field, k) => {
      this.fill(field, setting.start[k] ?? NaN);
      field.setAttribute("aria-label", `start, ${problem?.variables[k] ?? `variable ${k + 1}`}`);
    });
  }

  private startField(k: number): HTMLInputElement {
    return this.field(`start ${k}`, (value) => {
      const start = [...this.context.laboratory.setting.start];
      start[k] = value;
      this.context.player.reset();
      return { start };
    });
  }
}

/** How far a track goes both ways from the usual value of a coefficient without an upper end. */
const WIDE = 1e3;

/** The slider's track of a coefficient: its interval, short of an end that does not belong to it. */
export function coefficientSlider(coefficient: Coefficient, onValue: (value: number) => void): Slider {
  const { name, interval } = coefficient;
  const [low = 0, high = 1] = interval
    .replace(/[[\]()]/g, "")
    .split(",")
    .map((end) => Number(end.replace("inf", "Infinity")));
  if (!Number.isFinite(high)) {
    const usual = coefficient.default || 1;
    return new Slider({ name, low: usual / WIDE, high: usual * WIDE, step: 0, isGeometric: true, onInput: onValue });
  }
  const step = name.endsWith("2") ? 0.0005 : 0.005;
  const from = interval.startsWith("(") ? low + step : low;
  const to = interval.endsWith(")") ? high - step : high;
  return new Slider({ name, low: from, high: to, step, onInput: onValue });
}

/** What the rate is multiplied by after each step; 1 is no decay. */
export function decaySlider(onDecay: (decay: number | null) => void): Slider {
  return new Slider({
    name: "rate decay",
    low: 0.8,
    high: 1,
    step: 0.001,
    onInput: (value) => onDecay(value === 1 ? null : value),
  });
}
