// What is descended: a formula that is checked while it is typed, or a named problem, and the ranges that are drawn.

import { asRefusal, type Refusal } from "../backend/backend";
import { fresh, h, labelled, replaceText } from "../drawing/element";
import type { FunctionInfo, Problem } from "../state/answers";
import { drawnNames } from "../state/drawn_names";
import { exact, typed } from "../state/numbers";
import type { Range } from "../state/setting";
import type { Context } from "./context";
import { SliceChooser } from "./slice_chooser";
import { isFocused } from "./slider";
import { A_NUMBER, mustBe, Wanted } from "./wanted";

const PATIENCE = 150;

export class FunctionBar {
  readonly element: HTMLElement;
  private readonly formula: HTMLInputElement;
  private readonly chooser = h("select", {}, h("option", { value: "" }, "\u2013 named functions \u2013"));
  private readonly pointer = h("pre", { class: "pointer", "aria-hidden": "true" });
  private readonly complaint: HTMLElement;
  private readonly told = h("p", { class: "about" });
  private readonly ranges = h("div", { class: "ranges" });
  private readonly wanted = new Wanted();
  private timer = 0;
  private asked = 0;

  constructor(private readonly context: Context) {
    const { laboratory } = context;
    const id = fresh("complaint");
    this.complaint = h("p", { class: "complaint", id, role: "status" });
    this.formula = h("input", {
      type: "text",
      class: "formula",
      spellcheck: "false",
      autocomplete: "off",
      autocapitalize: "off",
      "aria-label": "Formula or name of a function",
      "aria-describedby": id,
      maxlength: 1000,
    });
    this.formula.addEventListener("input", () => this.typedIn());
    this.formula.addEventListener("keydown", (event) => event.key === "Enter" && void this.check(true));
    this.formula.addEventListener("scroll", () => void (this.pointer.scrollLeft = this.formula.scrollLeft));
    this.chooser.addEventListener("change", () => this.chooser.value && void this.use(this.chooser.value));
    this.element = h(
      "section",
      { class: "panel function-bar", "aria-label": "Function" },
      h(
        "fieldset",
        { disabled: context.isFixed },
        h(
          "div",
          { class: "row" },
          labelled("f =", h("div", { class: "typed" }, this.formula, this.pointer, this.complaint)),
          labelled("or", this.chooser),
        ),
        h("div", { class: "row about-row" }, this.told, new SliceChooser(context).element, this.ranges),
        this.wanted.element,
      ),
    );
    laboratory.on("hello", () => this.fillChooser());
    laboratory.on("setting", () => this.showSetting());
    laboratory.on("function", () => this.showFunction());
  }

  private fillChooser(): void {
    const { hello } = this.context.laboratory;
    const option = ({ name, title }: Problem): HTMLElement =>
      h("option", { value: name, title }, name.replaceAll("_", " "));
    const group = (label: string, found: readonly Problem[]): HTMLElement =>
      h("optgroup", { label }, ...found.map(option));
    const functions = hello?.functions ?? [];
    const own = hello?.own ?? [];
    if (own.length > 0) this.chooser.append(group("Your own", own));
    for (const [label, of] of SIZES)
      this.chooser.append(
        group(
          label,
          functions.filter(({ n_variables }) => of(n_variables)),
        ),
      );
  }

  private showSetting(): void {
    const { laboratory } = this.context;
    const { setting } = laboratory;
    if (!isFocused(this.formula)) this.formula.value = laboratory.named(setting.fun)?.formula || setting.fun;
    this.chooser.value = laboratory.named(setting.fun) ? setting.fun : "";
    this.showRanges();
  }

  private showFunction(): void {
    const { problem } = this.context.laboratory;
    if (!problem) return;
    this.complain(undefined);
    replaceText(this.told, aboutOf(problem));
    this.showRanges();
  }

  private showRanges(): void {
    const { setting, problem } = this.context.laboratory;
    if (this.ranges.childElementCount === setting.ranges.length && this.ranges.contains(activeIn(this.ranges))) return;
    const names = drawnNames(problem, setting.slice);
    this.wanted.clearAll();
    this.ranges.replaceChildren(
      ...setting.ranges.map(([low, high], k) => {
        const name = names[k] ?? "";
        return h(
          "span",
          { class: "range" },
          `${name} from `,
          this.end(k, 0, low, name),
          " to ",
          this.end(k, 1, high, name),
        );
      }),
    );
  }

  private end(variable: number, side: 0 | 1, value: number, name: string): HTMLInputElement {
    const label = `${name}, ${side === 0 ? "lowest" : "highest"} drawn`;
    const field = h("input", {
      type: "text",
      inputmode: "decimal",
      class: "number",
      value: exact(value),
      "aria-label": label,
    });
    field.addEventListener("change", () => {
      const ranges = this.context.laboratory.setting.ranges.map((pair) => [...pair] as [number, number]);
      const pair = ranges[variable];
      if (!pair) return;
      pair[side] = typed(field.value);
      const isGood = pair[0] < pair[1];
      const order = `${name} must be drawn from a lower to a higher number; got ${pair.map(exact).join(" to ")}`;
      this.wanted.judge(field, isGood, Number.isFinite(pair[side]) ? order : mustBe(label, A_NUMBER, field));
      if (isGood) void this.context.laboratory.change({ ranges: ranges as readonly Range[] });
    });
    return field;
  }

  private typedIn(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.check(false), PATIENCE);
  }

  /** Asks Python whether the formula can be read; where it can, it is descended. */
  private async check(isFinal: boolean): Promise<void> {
    window.clearTimeout(this.timer);
    const { laboratory } = this.context;
    const fun = this.formula.value.trim();
    const isCurrent = fun === laboratory.setting.fun || fun === laboratory.named(laboratory.setting.fun)?.formula;
    if (fun === "" || (isCurrent && !isFinal)) return this.complain(undefined);
    const asked = ++this.asked;
    try {
      await laboratory.backend.call("function", { fun });
      if (asked !== this.asked) return;
      this.complain(undefined);
      if (!isCurrent) await this.use(fun);
    } catch (error) {
      if (asked === this.asked) this.complain(asRefusal(error));
    }
  }

  /** Another function, whose marble is at its start. */
  private use(fun: string): Promise<void> {
    this.context.player.reset();
    return this.context.laboratory.useFunction(fun);
  }

  private complain(refusal: Refusal | undefined): void {
    this.formula.setAttribute("aria-invalid", String(Boolean(refusal)));
    replaceText(this.complaint, refusal?.message ?? "");
    const at = refusal?.column;
    replaceText(this.pointer, at === undefined ? "" : `${" ".repeat(at - 1)}\u25b2`);
    this.pointer.scrollLeft = this.formula.scrollLeft;
  }
}

const SIZES: readonly [string, (n: number) => boolean][] = [
  ["One variable", (n) => n === 1],
  ["Two variables", (n) => n === 2],
  ["More variables (a slice is drawn)", (n) => n > 2],
];

function aboutOf({ title, variables, minima }: FunctionInfo): string {
  const count =
    minima.length === 0 ? "" : `${minima.length} known ${minima.length === 1 ? "minimum" : "minima"} in sight`;
  const of = variables.length > 4 ? `${variables.length} variables` : `of ${variables.join(", ")}`;
  return [title, of, count].filter(Boolean).join(" \u00b7 ");
}

const activeIn = (element: HTMLElement): Element | null =>
  (element.getRootNode() as Document | ShadowRoot).activeElement ?? null;
