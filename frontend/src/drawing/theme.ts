// Light or dark: as the text around is dark or light, unless a button was pressed. That follows the reader's system
// where the page stands alone, and the notebook's own theme in a notebook. Motion is as the system says.

import { DARK, LIGHT, type Palette, type Ramp, ramp, variables } from "./palette";
import { h } from "./element";

export class Theme {
  readonly sheet = new CSSStyleSheet();
  /** Inherits the colour of the text around; that it has changed is told by the end of a transition. */
  readonly probe = h("span", { class: "probe", "aria-hidden": "true" });
  palette: Palette = LIGHT;
  ramp: Ramp = ramp(false);
  isDark = false;
  private chosen: boolean | undefined;
  private readonly system = matchMedia("(prefers-color-scheme: dark)");
  /** Whether motion is to be reduced. */
  isStill = false;
  private readonly stillness = matchMedia("(prefers-reduced-motion: reduce)");
  private readonly listeners: (() => void)[] = [];
  private readonly sight: ResizeObserver;

  constructor(private readonly place: HTMLElement) {
    this.system.addEventListener("change", this.apply);
    this.stillness.addEventListener("change", this.apply);
    this.probe.addEventListener("transitionend", this.apply);
    // A notebook puts its widgets into the document after they were made.
    this.sight = new ResizeObserver(this.apply);
    this.sight.observe(place);
    this.put();
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
    this.sight.disconnect();
  }

  private readonly apply = (): void => {
    const before = `${this.isDark} ${this.isStill}`;
    this.isStill = this.stillness.matches;
    this.isDark = this.chosen ?? isLight(this.place.parentElement) ?? this.system.matches;
    if (before === `${this.isDark} ${this.isStill}`) return;
    this.put();
    for (const listener of this.listeners) listener();
  };

  private put(): void {
    this.palette = this.isDark ? DARK : LIGHT;
    this.ramp = ramp(this.isDark);
    this.sheet.replaceSync(`${variables(this.palette)} :host { color-scheme: ${this.isDark ? "dark" : "light"}; }`);
  }
}

/** Whether the text is light; undefined where the element is in no document. A canvas reads colours of every notation. */
function isLight(element: HTMLElement | null): boolean | undefined {
  const color = element ? getComputedStyle(element).color : "";
  const context = color ? h("canvas", { width: 1, height: 1 }).getContext("2d") : null;
  if (!context) return undefined;
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
  return 0.299 * red + 0.587 * green + 0.114 * blue > 127;
}
