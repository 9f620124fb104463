// What the run did and why, in Python's words; what to try is a button.

import { button, h, replaceText } from "../drawing/element";
import { short } from "../state/numbers";
import type { Run } from "../state/answers";
import { valueOf } from "../state/multiplier";
import type { Context } from "./context";
import { outcomeOf, SIGNS } from "./verdict";

export class Verdict {
  readonly element = h("p", { class: "verdict" });
  private readonly sign = h("span", { class: "sign", "aria-hidden": "true" });
  private readonly words = h("strong");
  private readonly multiplier = h("span", {
    class: "badge",
    title: "What each step multiplies the distance to the minimum by",
  });

  constructor(private readonly context: Context) {
    this.element.append(this.sign, this.words, this.multiplier);
    context.laboratory.on(["path", "limits"], () => this.show());
  }

  private show(): void {
    const { path, multiplier: ofFan, setting } = this.context.laboratory;
    if (!path) return;
    const outcome = outcomeOf(path.behaviour, path.status);
    this.element.dataset.outcome = outcome;
    replaceText(this.sign, SIGNS[outcome]);
    replaceText(this.words, path.behaviour || "working out what it did");
    const multiplier = path.run?.multiplier ? valueOf(path.run.multiplier) : ofFan;
    const isKnown = !Number.isNaN(multiplier);
    this.multiplier.hidden = !isKnown;
    if (!isKnown) return;
    const isPlain = setting.method === "gradient_descent" && ["parabola", "x^2", "x**2", "x*x"].includes(setting.fun);
    replaceText(this.multiplier, `${isPlain ? "1 \u2212 2a" : "multiplier"} = ${short(multiplier, 5)}`);
  }
}

/** Those beside the one that the button says, where there is one. */
const sentencesOf = ({ sentences = [], suggestion }: Run, hasButton: boolean): readonly string[] =>
  suggestion && hasButton ? sentences.filter((words) => !words.includes(suggestion.words)) : sentences;

export class Why {
  readonly element: HTMLElement;
  private readonly told = h("div", { class: "sentences", "aria-live": "polite" });
  private readonly whose = h("p", { class: "whose", role: "status" });
  private explained: number | null = null;

  constructor(private readonly context: Context) {
    this.element = h("section", { class: "panel why", "aria-label": "Why" }, h("h2", {}, "Why"), this.whose, this.told);
    context.laboratory.on("path", () => this.show());
  }

  private show(): void {
    const { laboratory, player } = this.context;
    const run = laboratory.path?.run;
    this.tellWhose(!run);
    if (!run) return;
    this.explained = laboratory.path?.rate ?? null;
    const { suggestion } = run;
    const change = this.context.isFixed ? null : suggestion?.change;
    this.told.replaceChildren(
      h("p", { class: "message" }, run.message),
      ...(run.sentences ? sentencesOf(run, Boolean(change)) : ["Working out why\u2026"]).map((words) =>
        h("p", {}, words),
      ),
    );
    if (!suggestion || !change) return;
    const apply = (): void => {
      player.reset();
      void laboratory.change(change);
    };
    this.told.append(button(`Try ${suggestion.words}`, apply, { class: "suggestion" }));
  }

  /** While a slider moves, the words are those of the run before; in an exported page no others will come. */
  private tellWhose(isOfAnother: boolean): void {
    const { isFixed } = this.context;
    this.told.classList.toggle("stale", isOfAnother && !isFixed);
    const rate = this.explained === null ? "" : ` ${short(this.explained)}`;
    const words = `This was said of the exported learning rate${rate}. For the rate that is shown now, the steps and the verdict are here; \`downslope lab\` says why.`;
    replaceText(this.whose, isOfAnother && isFixed ? words : "");
  }
}
