// One that races: its method, coefficients and rate, with their sliders, and where it is drawn.

import { button, h } from "../drawing/element";
import type { Laboratory } from "../state/laboratory";
import { short } from "../state/numbers";
import type { Path } from "../state/path";
import type { ContourPlot } from "./contour_plot";
import type { LinePlot } from "./line_plot";
import { coefficientSlider } from "./method_panel";
import { Slider } from "./slider";

export interface Entrant {
  readonly method: string;
  readonly coefficients: Record<string, number>;
  rate: number | null;
  plot: ContourPlot | LinePlot;
  readonly readout: HTMLElement;
  path: Path | undefined;
}

/** The entrants that an address tells of; none where it cannot be read. */
export function recalled(address: string | undefined): Pick<Entrant, "method" | "coefficients" | "rate">[] {
  try {
    const told = JSON.parse(address || "[]") as { method?: unknown; coefficients?: unknown; rate?: unknown }[];
    return told.map(({ method, coefficients, rate }) => ({
      method: String(method),
      coefficients: Object.fromEntries(
        Object.entries(coefficients ?? {}).filter(([, value]) => Number.isFinite(value)),
      ),
      rate: typeof rate === "number" ? rate : null,
    }));
  } catch {
    return [];
  }
}

/** How an entrant stands, of losses above the lowest one; nothing where several share the lowest. */
export function standing(above: ArrayLike<number>, entrant: number): string {
  const own = above[entrant] ?? NaN;
  if (own !== 0) return `${short(own, 4)} above the lowest`;
  return Array.from(above).filter((other) => other === 0).length === 1 ? "lowest" : "";
}

export function controlsOf(
  entrant: Entrant,
  color: string,
  { hello, problem }: Laboratory,
  onChange: () => void,
  onLeave: () => void,
): HTMLElement {
  const info = hello?.methods.find(({ name }) => name === entrant.method);
  const title = info?.title ?? entrant.method;
  const [low, high] = problem?.learning_rates[entrant.method]?.interval ?? [0.001, 1];
  const rate = new Slider({
    name: "rate",
    low,
    high,
    step: (high - low) / 1000,
    isGeometric: true,
    onInput: (value) => {
      entrant.rate = value;
      onChange();
    },
  });
  rate.value = entrant.rate ?? NaN;
  const sliders = (info?.coefficients ?? []).map((coefficient) => {
    const slider = coefficientSlider(coefficient, (value) => {
      entrant.coefficients[coefficient.name] = value;
      onChange();
    });
    slider.value = entrant.coefficients[coefficient.name] ?? NaN;
    return slider.element;
  });
  const dot = h("span", { class: "color" });
  dot.style.background = color;
  const remove = button("Remove", onLeave, { class: "small quiet", "aria-label": `Remove ${title}` });
  const head = h("div", { class: "row" }, h("strong", {}, dot, title), remove);
  return h("div", { class: "entrant sliders", role: "group", "aria-label": title }, head, rate.element, ...sliders);
}
