// Light or dark: the reader's system says, unless a button was pressed. Motion likewise.

import { DARK, LIGHT, type Palette, type Ramp, ramp, variables } from "./palette";

export class Theme {
  readonly sheet = new CSSStyleSheet();
  palette: Palette = LIGHT;
  ramp: Ramp = ramp(false);
  isDark = false;
  private chosen: boolean | undefined;
  private readonly system = matchMedia("(prefers-color-scheme: dark)");
  /** Whether motion is to be reduced. */
  isStill = false;
  private readonly stillness = matchMedia("(prefers-reduced-motion: reduce)");
  private readonly listeners: (() => void)[] = [];

  constructor() {
    this.system.addEventListener("change", this.apply);
    this.stillness.addEventListener("change", this.apply);
    this.apply();
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  toggle(): void {
    this.chosen = !this.isDark;
    this.apply();
  }

  close(): void {
    this.system.removeEventListener("change", this.apply);
    this.stillness.removeEventListener("change", this.apply);
  }

  private readonly apply = (): void => {
    this.isStill = this.stillness.matches;
    this.isDark = this.chosen ?? this.system.matches;
    this.palette = this.isDark ? DARK : LIGHT;
    this.ramp = ramp(this.isDark);
    this.sheet.replaceSync(`${variables(this.palette)} :host { color-scheme: ${this.isDark ? "dark" : "light"}; }`);
    for (const listener of this.listeners) listener();
  };
}
