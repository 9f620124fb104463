// A slider and a field for the same number: the field takes any number, the slider those of its track.

import { fresh, h } from "../drawing/element";
import { exact, typed } from "../state/numbers";
import { A_NUMBER, mustBe, Wanted } from "./wanted";

export interface SliderOptions {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly step: number;
  /** The track goes in equal factors instead of equal steps. */
  readonly isGeometric?: boolean;
  /** The slider moves: often. */
  readonly onInput: (value: number) => void;
  /** It was let go, or a number was typed. */
  readonly onSettled?: (value: number) => void;
}

export class Slider {
  readonly element: HTMLElement;
  private readonly range: HTMLInputElement;
  private readonly field: HTMLInputElement;
  private readonly wanted = new Wanted();

  constructor(private readonly options: SliderOptions) {
    const { name, low, high, step, isGeometric } = options;
    const id = fresh("slider");
    const track = isGeometric
      ? { min: Math.log(low), max: Math.log(high), step: "any" }
      : { min: low, max: high, step };
    this.range = h("input", { type: "range", id, ...track, oninput: () => this.moved() });
    this.range.addEventListener("change", () => this.options.onSettled?.(this.ofTrack()));
    this.field = h("input", { type: "text", inputmode: "decimal", "aria-label": `${name}, exact`, class: "number" });
    this.field.addEventListener("change", () => this.wasTyped());
    this.element = h(
      "div",
      { class: "slider" },
      h("label", { for: id, class: "name" }, name),
      this.range,
      this.field,
      this.wanted.element,
    );
  }

  set value(value: number) {
    this.range.value = String(this.options.isGeometric ? Math.log(value) : value);
    if (isFocused(this.field)) return;
    this.field.value = exact(value);
    this.wanted.clear(this.field);
  }

  private ofTrack(): number {
    const place = Number(this.range.value);
    return this.options.isGeometric ? Number(Math.exp(place).toPrecision(4)) : place;
  }

  private moved(): void {
    const value = this.ofTrack();
    this.field.value = exact(value);
    this.wanted.clear(this.field);
    this.options.onInput(value);
  }

  private wasTyped(): void {
    const value = typed(this.field.value);
    this.wanted.judge(this.field, Number.isFinite(value), mustBe(this.options.name, A_NUMBER, this.field));
    if (!Number.isFinite(value)) return;
    this.value = value;
    (this.options.onSettled ?? this.options.onInput)(value);
  }
}

/** Inside a shadow root `document.activeElement` is the host. */
export function isFocused(element: HTMLElement): boolean {
  return (element.getRootNode() as Document | ShadowRoot).activeElement === element;
}
