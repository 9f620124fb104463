// The main tab: the hill or the line, the controls beside it, every step below, and why.

import { h } from "../drawing/element";
import type { Context, View } from "./context";
import { FunctionBar } from "./function_bar";
import { MethodPanel } from "./method_panel";
import { RateSlider } from "./rate_slider";
import { Scrubber } from "./scrubber";
import { Stage } from "./stage";
import { Readouts, Transport } from "./transport";
import { Verdict, Why } from "./why";

export class Descend implements View {
  readonly descents = [{}];
  readonly element: HTMLElement;
  readonly stage: Stage;

  constructor(context: Context) {
    this.stage = new Stage(context);
    const rate = h(
      "section",
      { class: "panel controls rate", "aria-label": "Learning rate" },
      new RateSlider(context).element,
      new Verdict(context).element,
    );
    const controls = h(
      "section",
      { class: "panel controls", "aria-label": "Controls" },
      new Transport(context).element,
      new Readouts(context).element,
      new MethodPanel(context).element,
    );
    this.element = h(
      "div",
      { class: "descend" },
      new FunctionBar(context).element,
      this.stage.element,
      h("div", { class: "side" }, rate, controls, new Why(context).element),
      new Scrubber(context).element,
    );
  }

  open(): void {}
}
