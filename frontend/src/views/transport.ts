// Roll, step, back, reset; how fast; and the numbers under the marble.

import { button, h, replaceText } from "../drawing/element";
import { short } from "../state/numbers";
import { coordinate, type Path } from "../state/path";
import type { Context } from "./context";

export class Transport {
  readonly element: HTMLElement;
  private readonly roll: HTMLButtonElement;

  constructor(private readonly context: Context) {
    const { laboratory, player } = context;
    this.roll = button("Roll", () => player.toggle(), { class: "primary", "aria-keyshortcuts": "Space" });
    const speed = h("select", {
      "aria-label": "Speed",
      title: "Speed",
      onchange: () => void (player.speed = Number(speed.value)),
    });
    for (const factor of [0.25, 0.5, 1, 2, 4]) {
      speed.append(h("option", { value: factor, selected: factor === 1 }, `${factor}\u00d7`));
    }
    this.element = h(
      "div",
      { class: "transport", role: "group", "aria-label": "Rolling the marble" },
      this.roll,
      button("Back", () => this.step(-1), { "aria-label": "One step back" }),
      button("Step", () => this.step(1), { "aria-label": "One step forward" }),
      button("Reset", () => player.reset()),
      speed,
    );
    laboratory.on("play", () => replaceText(this.roll, player.playing ? "Pause" : "Roll"));
  }

  private step(by: number): void {
    const { player } = this.context;
    player.pause();
    player.go(player.row + by);
  }
}

/** Name and value of each number; the names of the first ones are the function's variables. */
export class Readouts {
  readonly element = h("dl", { class: "readouts" });
  private readonly values = new Map<string, HTMLElement>();

  constructor(private readonly context: Context) {
    const { laboratory } = context;
    laboratory.on(["function", "setting"], () => this.arrange());
    laboratory.on(["path", "step"], () => this.show());
  }

  private arrange(): void {
    const { laboratory } = this.context;
    const names = namesOf(laboratory.problem?.variables, laboratory.n_variables);
    const wanted = ["step", ...names, "loss", "gradient", "next step"];
    if (wanted.join() === [...this.values.keys()].join()) return;
    this.values.clear();
    this.element.replaceChildren();
    for (const name of wanted) {
      const value = h("dd", { "data-readout": name });
      this.values.set(name, value);
      this.element.append(h("div", {}, h("dt", {}, name), value));
    }
    this.show();
  }

  private show(): void {
    const { path } = this.context.laboratory;
    const { row } = this.context.player;
    const set = (name: string, text: string): void => {
      const element = this.values.get(name);
      if (element) replaceText(element, text);
    };
    if (!path) {
      for (const name of this.values.keys()) set(name, "\u2013");
      return;
    }
    set("step", `${row} of ${path.n_rows - 1}`);
    namesOf(this.context.laboratory.problem?.variables, path.n_variables).forEach((name, k) => {
      set(name, short(coordinate(path, row, k)));
    });
    set("loss", short(path.losses[row] ?? NaN));
    set("gradient", short(path.gradient_norms[row] ?? NaN));
    set("next step", row + 1 < path.n_rows ? short(stepLength(path, row)) : "\u2013");
  }
}

const MOST_NAMES = 6;
const namesOf = (variables: readonly string[] | undefined, n: number): string[] =>
  (variables ?? ["x", "y"]).slice(0, Math.min(n, MOST_NAMES));

/** How far the marble goes next, as the largest component, like the gradient's size. */
function stepLength(path: Path, row: number): number {
  let largest = 0;
  for (let k = 0; k < path.n_variables; k++) {
    largest = Math.max(largest, Math.abs(coordinate(path, row + 1, k) - coordinate(path, row, k)));
  }
  return largest;
}
