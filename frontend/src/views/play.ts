// The challenge (how fast can it go?) and the quiz (what happens at three times the rate?). Python judges both.

import { button, h, labelled, replaceText } from "../drawing/element";
import { asNumber, type Challenge, type Quiz, type Run, type Surface } from "../state/answers";
import { exact, short, typed } from "../state/numbers";
import { pathOfRun } from "../state/path";
import { ContourPlot } from "./contour_plot";
import type { Context, View } from "./context";
import { Field } from "../drawing/field";
import { LinePlot } from "./line_plot";
import { figure } from "./stage";
import { ABOVE_0, mustBe, Wanted } from "./wanted";

const LINE = 801;
const PLANE = 96;

export class Play implements View {
  readonly descents = [];
  readonly element: HTMLElement;
  private readonly challenge: ChallengeCard;
  private readonly quiz: QuizCard;

  constructor(context: Context) {
    this.challenge = new ChallengeCard(context);
    this.quiz = new QuizCard(context);
    this.element = h("div", { class: "play" }, this.challenge.element, this.quiz.element);
  }

  open(): void {
    void this.challenge.open();
    void this.quiz.open();
  }
}

class ChallengeCard {
  readonly element: HTMLElement;
  private readonly rule = h("p");
  private readonly outcome = h("p", { class: "outcome", role: "status" });
  private readonly best = h("p", { class: "note" });
  private readonly field = h("input", { type: "text", inputmode: "decimal", class: "number", value: "0.1" });
  private readonly wanted = new Wanted();
  private readonly show: Shower;
  private largest = 0;

  constructor(private readonly context: Context) {
    this.show = new Shower(context);
    this.field.addEventListener("keydown", (event) => event.key === "Enter" && void this.attempt());
    this.element = h(
      "section",
      { class: "panel stack challenge", "aria-label": "Challenge" },
      h("h2", {}, "The challenge"),
      this.rule,
      h(
        "div",
        { class: "row" },
        labelled("your rate", this.field),
        button("Try it", () => void this.attempt(), { class: "primary" }),
        this.wanted.element,
      ),
      this.outcome,
      this.best,
      this.show.element,
    );
  }

  async open(): Promise<void> {
    if (this.rule.textContent === "") await this.attempt(false);
  }

  /** The first rate is the page's own: its run is drawn, and not judged. */
  private async attempt(isJudged = true): Promise<void> {
    const rate = typed(this.field.value);
    this.wanted.judge(this.field, rate > 0, mustBe("your rate", ABOVE_0, this.field));
    if (!(rate > 0)) return;
    const { laboratory } = this.context;
    try {
      const told = (await laboratory.backend.call("challenge", { learning_rate: rate })) as Challenge;
      replaceText(this.rule, told.rule);
      await this.show.run("parabola", told.run);
      if (!isJudged) return;
      this.outcome.dataset.met = String(told.met);
      this.outcome.replaceChildren(h("strong", {}, `${told.met ? "\u2713" : "\u2717"} ${told.words}`));
      if (told.met) this.largest = Math.max(this.largest, rate);
      replaceText(this.best, this.largest > 0 ? `Your best so far: ${exact(this.largest)}` : "");
    } catch (error) {
      laboratory.complain(error);
    }
  }
}

class QuizCard {
  readonly element: HTMLElement;
  private readonly question = h("p");
  private readonly choices = h("div", { class: "stack", role: "group", "aria-label": "Answers" });
  private readonly outcome = h("p", { class: "outcome", role: "status" });
  private readonly before: Shower;
  private readonly after: Shower;
  private readonly place = h("div", { class: "lanes" });
  private asked: string | undefined;
  private tally = { right: 0, asked: 0 };

  constructor(private readonly context: Context) {
    this.before = new Shower(context);
    this.after = new Shower(context);
    this.element = h(
      "section",
      { class: "panel stack quiz", "aria-label": "Quiz" },
      h(
        "div",
        { class: "row" },
        h("h2", {}, "The quiz"),
        button("Next question", () => void this.next(), { class: "small" }),
      ),
      this.question,
      this.choices,
      this.outcome,
      this.place,
    );
  }

  async open(): Promise<void> {
    if (!this.asked) await this.next();
  }

  private async next(): Promise<void> {
    const { laboratory } = this.context;
    const names = (laboratory.hello?.quiz ?? []).map(({ name }) => name);
    if (names.length === 0) return;
    this.asked = names[(names.indexOf(this.asked ?? "") + 1) % names.length];
    try {
      const quiz = (await laboratory.backend.call("quiz", { question: this.asked })) as Quiz;
      replaceText(this.question, quiz.question);
      replaceText(this.outcome, "");
      this.choices.replaceChildren(
        ...quiz.choices.map(({ name, words }) =>
          button(words, () => void this.answer(name), { class: "choice", "data-choice": name }),
        ),
      );
      this.place.replaceChildren(this.before.element);
      await this.before.run(quiz.setting.fun, quiz.first, `At ${short(quiz.setting.learning_rate ?? NaN)}`);
    } catch (error) {
      laboratory.complain(error);
    }
  }

  private async answer(answer: string): Promise<void> {
    const { laboratory } = this.context;
    try {
      const quiz = (await laboratory.backend.call("quiz", { question: this.asked, answer })) as Quiz;
      this.tally.asked += 1;
      if (quiz.right) this.tally.right += 1;
      for (const choice of this.choices.querySelectorAll("button")) {
        choice.disabled = true;
        choice.setAttribute("aria-pressed", String(choice.dataset.choice === answer));
        if (choice.dataset.choice === quiz.truth) choice.append(" \u2713");
      }
      this.outcome.dataset.met = String(quiz.right);
      const score = `${this.tally.right} of ${this.tally.asked} right.`;
      const verdict = h("strong", {}, quiz.right ? "\u2713 Right. " : "\u2717 Not so. ");
      this.outcome.replaceChildren(verdict, `${quiz.words ?? ""} ${score}`);
      if (!quiz.second) return;
      this.place.append(this.after.element);
      await this.after.run(quiz.tripled.fun, quiz.second, `At ${short(quiz.tripled.learning_rate ?? NaN)}`, true);
    } catch (error) {
      laboratory.complain(error);
    }
  }
}

/** One run on its function, for looking at. */
class Shower {
  readonly element = h("div");
  private readonly line: LinePlot;
  private readonly contour: ContourPlot;
  private readonly surfaces = new Map<string, Surface>();

  constructor(private readonly context: Context) {
    this.line = new LinePlot(context.frames, context.theme);
    this.contour = new ContourPlot(context.frames, context.theme);
  }

  async run(fun: string, run: Run, title = "The run", rolls = false): Promise<void> {
    const path = pathOfRun(run, null);
    const isLine = path.n_variables === 1;
    const surface = this.surfaces.get(fun) ?? (await this.fetch(fun, isLine ? LINE : PLANE));
    this.surfaces.set(fun, surface);
    const plot = isLine ? this.line : this.contour;
    if (isLine) this.line.surface = surface;
    else this.contour.field = new Field(surface);
    const last = path.losses[path.n_rows - 1] ?? NaN;
    plot.canvas.setAttribute("role", "img");
    plot.canvas.setAttribute("aria-label", `${title}: ${run.message}`);
    this.element.replaceChildren(
      figure(
        title,
        plot.canvas,
        "shown",
        h("p", { class: "note" }, `${run.n_steps} steps, to a loss of ${short(asNumber(last))}`),
      ),
    );
    plot.path = path;
    plot.position = path.n_rows - 1;
    plot.renew();
    if (rolls && !this.context.theme.isStill) this.roll(plot, path.n_rows - 1);
  }

  private async fetch(fun: string, resolution: number): Promise<Surface> {
    return (await this.context.laboratory.backend.call("surface", { fun, resolution })) as Surface;
  }

  private roll(plot: LinePlot | ContourPlot, last: number): void {
    let begun = 0;
    const seconds = Math.min(5, Math.max(2, last / 8));
    this.context.frames.animate((now) => {
      begun ||= now;
      plot.position = Math.min(last, ((now - begun) / 1000 / seconds) * last);
      plot.changed();
      return plot.position < last;
    });
  }
}
