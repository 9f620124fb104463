// Which plane is drawn of more than two variables: along two of them, or along the directions that bend most.

import { h, labelled } from "../drawing/element";
import type { Context } from "./context";

const PRINCIPAL = "principal";

export class SliceChooser {
  readonly element: HTMLElement;
  private readonly first = h("select", { "aria-label": "First direction of the slice" });
  private readonly second = h("select", { "aria-label": "Second direction of the slice" });

  constructor(private readonly context: Context) {
    const { laboratory } = context;
    this.first.addEventListener("change", () => this.choose());
    this.second.addEventListener("change", () => this.choose());
    this.element = h("span", { class: "slice", hidden: true }, labelled("slice along", this.first), this.second);
    laboratory.on(["function", "setting"], () => this.show());
  }

  private show(): void {
    const { problem, setting } = this.context.laboratory;
    this.element.hidden = !problem || problem.n_variables <= 2;
    if (!problem || this.element.hidden) return;
    const [i, j] = setting.slice?.axes ?? [];
    const variables = problem.variables.map((name, k) => h("option", { value: k, selected: k === i }, name));
    this.first.replaceChildren(
      h("option", { value: PRINCIPAL, selected: i === undefined }, "the steepest bends"),
      ...variables,
    );
    this.second.hidden = i === undefined;
    this.second.replaceChildren(
      ...problem.variables.flatMap((name, k) => (k === i ? [] : [h("option", { value: k, selected: k === j }, name)])),
    );
  }

  private choose(): void {
    const { fun, start } = this.context.laboratory.setting;
    const i = Number(this.first.value);
    const wanted = Number(this.second.value);
    const j = this.second.value === "" || wanted === i ? (i === 0 ? 1 : 0) : wanted;
    const slice = this.first.value === PRINCIPAL ? { principal: true } : { axes: [i, j] };
    // Another plane has other ranges, which Python knows.
    void this.context.laboratory.useFunction(fun, { ...this.context.laboratory.setting, start, slice, ranges: [] });
  }
}
