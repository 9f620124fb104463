// The learning rate: 256 positions of the fan, coloured by what each did, with the limits marked on the track.
// A move is a look-up; when it is let go, the exact run is asked for. A typed rate is used to its last digit.

import { fresh, h, replaceText } from "../drawing/element";
import type { Limits } from "../state/answers";
import { exact, short, typed } from "../state/numbers";
import { Board } from "../drawing/board";
import type { Palette } from "../drawing/palette";
import type { Context } from "./context";
import { isFocused } from "./slider";
import { ABOVE_0, mustBe, Wanted } from "./wanted";
import { outcomeOf } from "./verdict";

class Strip extends Board {
  outcomes: readonly string[] = [];

  protected override paintStill(context: CanvasRenderingContext2D): void {
    const { palette } = this.theme;
    const width = this.width / Math.max(1, this.outcomes.length);
    this.outcomes.forEach((outcome, i) => {
      context.fillStyle = colorOf(outcome, palette);
      context.fillRect(i * width, 0, width + 0.6, this.height);
    });
  }

  protected override paintMoving(): void {}
}

export class RateSlider {
  readonly element: HTMLElement;
  private readonly range: HTMLInputElement;
  private readonly field: HTMLInputElement;
  private readonly wanted = new Wanted();
  private readonly strip: Strip;
  private readonly marks = h("div", { class: "marks", "aria-hidden": "true" });
  private readonly told = h("p", { class: "limits" });

  constructor(private readonly context: Context) {
    const { laboratory, frames, theme } = context;
    const id = fresh("rate");
    this.strip = new Strip(frames, theme);
    this.strip.canvas.className = "strip";
    this.range = h("input", { type: "range", id, min: 0, max: 255, step: 1, class: "rate" });
    this.range.addEventListener("input", () => this.moved());
    this.range.addEventListener("change", () => void laboratory.settleRate(laboratory.setting.learning_rate));
    this.field = h("input", {
      type: "text",
      inputmode: "decimal",
      class: "number",
      "aria-label": "learning rate, exact",
      placeholder: "line search",
      readonly: context.isFixed,
    });
    this.field.addEventListener("change", () => this.wasTyped());
    const track = h("div", { class: "track" }, this.strip.canvas, this.marks, this.range);
    const key = h("p", { class: "key", "aria-hidden": "true" });
    for (const [name, words] of KEY) key.append(h("span", {}, h("span", { class: `swatch ${name}` }), words));
    this.element = h(
      "div",
      { class: "rate-slider" },
      h(
        "div",
        { class: "row" },
        h("label", { for: id, class: "name" }, "learning rate"),
        this.field,
        this.wanted.element,
      ),
      track,
      key,
      this.told,
    );
    laboratory.on("fan", () => this.showFan());
    laboratory.on(["function", "fan", "limits"], () => this.showLimits());
    laboratory.on(["setting", "fan"], () => this.showRate());
  }

  private moved(): void {
    const { laboratory } = this.context;
    laboratory.slideRate(Number(this.range.value));
    this.showRate(false);
  }

  private wasTyped(): void {
    const rate = typed(this.field.value);
    this.wanted.judge(this.field, rate > 0, mustBe("learning rate", ABOVE_0, this.field));
    if (rate > 0) void this.context.laboratory.settleRate(rate);
  }

  private showRate(moves = true): void {
    const { laboratory } = this.context;
    const { learning_rate } = laboratory.setting;
    if (!isFocused(this.field)) {
      this.field.value = learning_rate === null ? "" : exact(learning_rate);
      this.wanted.clear(this.field);
    }
    if (moves && laboratory.fan) this.range.value = String(laboratory.rateIndex);
    const rate = learning_rate === null ? "chosen at each step" : short(learning_rate);
    this.range.setAttribute("aria-valuetext", `${rate}, ${laboratory.path?.behaviour ?? ""}`);
  }

  private showFan(): void {
    const { fan } = this.context.laboratory;
    if (!fan) return;
    const rates = fan.rates.data;
    this.range.max = String(rates.length - 1);
    this.strip.outcomes = fan.behaviour.map((behaviour, i) => outcomeOf(behaviour, fan.status[i] ?? ""));
    this.strip.renew();
  }

  private showLimits(): void {
    const { fan, limits } = this.context.laboratory;
    if (!fan) return;
    const rates = fan.rates.data;
    const span = Math.log((rates[rates.length - 1] ?? 1) / (rates[0] ?? 1));
    this.marks.replaceChildren();
    for (const [name, words] of MARKS) {
      const rate = limits?.[name];
      const share = rate ? Math.log(rate / (rates[0] ?? 1)) / span : NaN;
      if (!(share >= 0 && share <= 1)) continue;
      const mark = h("span", { class: `mark ${name}`, title: `${words} ${short(rate ?? NaN)}` });
      mark.style.left = `${100 * share}%`;
      this.marks.append(mark);
    }
    replaceText(this.told, limitsInWords(limits));
  }
}

const KEY = [
  ["good", "straight"],
  ["zigzag", "turns back"],
  ["bad", "diverges"],
  ["other", "unfinished"],
] as const;
const MARKS = [
  ["zigzag_from", "zigzag from"],
  ["best_rate", "best rate"],
  ["largest_stable", "diverges from"],
] as const;

function colorOf(outcome: string, palette: Palette): string {
  if (outcome === "good") return palette.good;
  if (outcome === "zigzag") return palette.zigzag;
  return outcome === "bad" ? palette.bad : palette.line;
}

/** A run that leaps elsewhere knows other limits: so the words say whose these are. */
function placeOf(x: readonly number[]): string {
  const numbers = x.map((value) => short(value, 4)).join(", ");
  if (x.length === 0 || x.length > 2) return "At the minimum below the start";
  return `At the minimum ${x.length === 1 ? numbers : `(${numbers})`}`;
}

export function limitsInWords(limits: Limits | undefined): string {
  const { best_rate, zigzag_from, largest_stable } = limits ?? {};
  const words = [
    best_rate && `best ${short(best_rate, 4)}`,
    zigzag_from && `may zigzag from ${short(zigzag_from, 4)}`,
    largest_stable && `diverges from ${short(largest_stable, 4)}`,
  ].filter(Boolean);
  if (words.length === 0) return limits?.why ?? "\u2026";
  return `${placeOf(limits?.x ?? [])}: ${words.join(" \u00b7 ")}`;
}
