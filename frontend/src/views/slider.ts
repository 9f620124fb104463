// A slider and a field for the same number: the field takes any number, the slider those of its track.

import { fresh, h } from "../drawing/element";
import { exact, typed } from "../state/numbers";

export interface SliderOptions {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly step: number;
  /** The slider moves: often. */
  readonly onInput: (value: number) => void;
  /** It was let go, or a number was typed. */
  readonly onSettled?: (value: number) => void;
}

export class Slider {
  readonly element: HTMLElement;
  private readonly range: HTMLInputElement;
  private readonly field: HTMLInputElement;

  constructor(private readonly options: SliderOptions) {
    const { name, low, high, step } = options;
    const id = fresh("slider");
    this.range = h("input", { type: "range", id, min: low, max: high, step, oninput: () => this.moved() });
    this.range.addEventListener("change", () => this.options.onSettled?.(Number(this.range.value)));
    this.field = h("input", { type: "text", inputmode: "decimal", "aria-label": `${name}, exact`, class: "number" });
    this.field.addEventListener("change", () => this.wasTyped());
    this.element = h("div", { class: "slider" }, h("label", { for: id, class: "name" }, name), this.range, this.field);
  }

  set value(value: number) {
    this.range.value = String(value);
    if (!isFocused(this.field)) this.field.value = exact(value);
  }

  private moved(): void {
    const value = Number(this.range.value);
    this.field.value = exact(value);
    this.options.onInput(value);
  }

  private wasTyped(): void {
    const value = typed(this.field.value);
    this.field.toggleAttribute("aria-invalid", !Number.isFinite(value));
    if (!Number.isFinite(value)) return;
    this.range.value = String(value);
    (this.options.onSettled ?? this.options.onInput)(value);
  }
}

/** Inside a shadow root `document.activeElement` is the host. */
export function isFocused(element: HTMLElement): boolean {
  return (element.getRootNode() as Document | ShadowRoot).activeElement === element;
}
