// A training that goes on elsewhere, in the process that opened this page: how far it has come, its losses, and at its
// end why it went so and the loss around its weights.

import { asRefusal } from "../backend/backend";
import { h, replaceText } from "../drawing/element";
import { Field } from "../drawing/field";
import type { Training } from "../state/answers";
import { short } from "../state/numbers";
import type { Path } from "../state/path";
import type { Context, View } from "./context";
import { ContourPlot } from "./contour_plot";
import { TrainingCurves } from "./training_curves";

const MILLISECONDS_BETWEEN = 500;
const FACTS = [
  "step",
  "epoch",
  "loss",
  "validation",
  "learning rate",
  "gradient",
  "rows a second",
  "time left",
] as const;
const NONE = new Float64Array(0);

export class TrainingView implements View {
  readonly descents = [];
  readonly element: HTMLElement;
  private readonly heading = h("h2", {}, "Training");
  private readonly facts = new Map(FACTS.map((name) => [name, h("dd", { "data-fact": name }, "\u2013")]));
  private readonly progress = h("progress", { max: 1, value: 0, "aria-label": "Share of the steps that are made" });
  private readonly told = h("div", { class: "sentences", "aria-live": "polite" });
  private readonly curves: TrainingCurves;
  private readonly plane: ContourPlot;
  private readonly slice: HTMLElement;
  private readonly share = h("p", { class: "lines" });
  private shown: Training | undefined;
  private timer: number | undefined;

  constructor(private readonly context: Context) {
    const { frames, theme } = context;
    this.curves = new TrainingCurves(frames, theme);
    this.plane = new ContourPlot(frames, theme);
    this.plane.variables = ["along the first direction", "along the second"];
    this.curves.canvas.setAttribute("role", "img");
    this.plane.canvas.setAttribute("role", "img");
    const key = h(
      "p",
      { class: "lines" },
      h("span", { class: "batches" }, "batches, and the span between them"),
      h("span", { class: "validation" }, "validation"),
    );
    const caption = h("figcaption", {}, "The loss around the weights");
    this.slice = h("figure", { class: "panel", hidden: true }, caption, this.share, this.plane.canvas);
    const rows = FACTS.map((name) => h("div", {}, h("dt", {}, name), this.facts.get(name)));
    this.element = h(
      "div",
      { class: "training" },
      h(
        "div",
        { class: "aside" },
        h("figure", { class: "panel" }, h("figcaption", {}, "Losses"), key, this.curves.canvas),
        this.slice,
      ),
      h(
        "div",
        { class: "aside" },
        h(
          "section",
          { class: "panel progress", "aria-label": "Progress" },
          this.heading,
          this.progress,
          h("dl", {}, ...rows),
        ),
        h("section", { class: "panel why", "aria-label": "Why" }, h("h2", {}, "Why"), this.told),
      ),
    );
  }

  open(): void {
    if (this.timer === undefined) void this.ask();
  }

  close(): void {
    window.clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** Again and again until the run is over and explained, or this tab is left. */
  private async ask(): Promise<void> {
    this.timer = 0;
    try {
      this.show((await this.context.laboratory.backend.call("training", {})) as Training);
    } catch (error) {
      return replaceText(this.heading, asRefusal(error).message);
    }
    const isOver = this.shown?.slice !== undefined;
    if (this.timer !== undefined && !isOver) {
      this.timer = window.setTimeout(() => void this.ask(), MILLISECONDS_BETWEEN);
    }
  }

  private show(training: Training): void {
    const isFirstOfEnd = training.slice !== undefined && this.shown?.slice === undefined;
    this.shown = training;
    const { step = 0, n_steps = 0 } = training;
    replaceText(this.heading, training.title);
    this.progress.value = n_steps ? step / n_steps : 0;
    this.showFacts(training);
    this.curves.show(training);
    this.curves.canvas.setAttribute("aria-label", `Losses of ${training.title}: now ${short(training.loss ?? NaN)}`);
    const sentences = training.sentences ?? (training.message ? ["Working out why\u2026"] : ["The training goes on."]);
    const words = [training.message ?? "", ...sentences, ...(training.notes ?? [])].filter(Boolean);
    if (this.told.childElementCount !== words.length || training.sentences) {
      this.told.replaceChildren(...words.map((sentence) => h("p", {}, sentence)));
    }
    if (isFirstOfEnd) this.showSlice(training);
  }

  private showFacts(training: Training): void {
    const { step = 0, n_steps = 0, seconds_left = NaN, epochs } = training;
    const validation = epochs?.validation.data.at(-1) ?? NaN;
    const told: Record<(typeof FACTS)[number], string> = {
      step: `${step.toLocaleString("en")} of ${n_steps.toLocaleString("en")}`,
      epoch: String(training.epoch ?? 0),
      loss: short(training.loss ?? NaN),
      validation: Number.isFinite(validation) ? short(validation) : "none held out",
      "learning rate": short(training.rate ?? NaN),
      gradient: short(training.gradient ?? NaN),
      "rows a second": Math.round(training.rows_per_second ?? 0).toLocaleString("en"),
      "time left": training.message ? "over" : clock(seconds_left),
    };
    for (const [name, element] of this.facts) replaceText(element, told[name]);
  }

  private showSlice({ slice, no_slice }: Training): void {
    this.slice.hidden = !slice;
    if (!slice) {
      this.told.append(h("p", {}, `There is no picture of the loss around the weights: ${no_slice ?? ""}.`));
      return;
    }
    this.plane.field = new Field(slice);
    this.plane.path = pathOf(slice.path.data);
    this.plane.position = this.plane.path.n_rows - 1;
    this.plane.changed();
    const share = `The plane in which the weights moved most: it holds ${Math.round(100 * slice.explained)} % of their way.`;
    replaceText(this.share, share);
    this.plane.canvas.setAttribute("aria-label", `Contours of the loss around the weights, with the path. ${share}`);
  }
}

const clock = (seconds: number): string =>
  Number.isFinite(seconds)
    ? `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`
    : "\u2013";

/** The weights' way over the plane, as the drawing reads paths. */
function pathOf(points: Float64Array): Path {
  const n_rows = points.length / 2;
  return {
    ...{ rate: null, n_rows, n_variables: 2, points, drawn: points, n_drawn: 2 },
    ...{
      losses: NONE,
      gradient_norms: NONE,
      slopes: undefined,
      rates: undefined,
      status: "",
      behaviour: "",
      run: null,
    },
  };
}
