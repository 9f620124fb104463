// The hill's place on the page: it holds the place from the start, and three.js moves in when it has been loaded.

import { button, h, replaceText } from "../drawing/element";
import type { Field } from "../drawing/field";
import { short } from "../state/numbers";
import type { Path } from "../state/path";
import type { Context } from "./context";
import type { Hill, Project } from "./hill";

const TURN = Math.PI / 24;
const CLICK = 5;

export class HillPanel {
  readonly element: HTMLElement;
  variables: readonly string[] = ["x", "y"];
  private readonly place = h("div", { class: "hill-place" });
  private readonly labels = Array.from({ length: 6 }, () => h("span", { class: "axis-label", "aria-hidden": "true" }));
  private hill: Hill | undefined;
  private loading: Promise<void> | undefined;
  /** Fetched while Python computes the surface. */
  private readonly code = new Promise<typeof import("./hill")>((resolve, reject) => {
    setTimeout(() => import("./hill").then(resolve, reject), 0);
  });
  private field: Field | undefined;
  private path: Path | undefined;
  private position = 0;

  constructor(
    private readonly context: Context,
    private readonly onPlaced: (point: [number, number]) => void,
  ) {
    this.place.tabIndex = 0;
    this.place.setAttribute("role", "application");
    this.place.setAttribute(
      "aria-label",
      "Loss surface in three dimensions. Arrow keys turn it, plus and minus zoom, 0 looks from the front again.",
    );
    this.place.append(...this.labels);
    this.place.addEventListener("keydown", (event) => this.turn(event));
    const again = button("Reset view", () => this.hill?.lookAgain(), { class: "small quiet" });
    const hint = context.isFixed ? "drag to turn" : "click to place the marble, drag to turn";
    this.element = h(
      "figure",
      { class: "panel hill" },
      h("figcaption", {}, "The hill", h("span", { class: "hint" }, hint), again),
      this.place,
    );
    new ResizeObserver(() => this.resize()).observe(this.place);
  }

  get canvases(): readonly HTMLCanvasElement[] {
    return this.hill ? [this.hill.canvas] : [];
  }

  show(field: Field): void {
    this.field = field;
    if (this.hill) this.hill.show(field);
    else this.loading ??= this.load();
  }

  follow(path: Path, position: number): void {
    this.path = path;
    this.position = position;
    this.hill?.follow(path, position);
  }

  private async load(): Promise<void> {
    try {
      const { Hill } = await this.code;
      this.hill = new Hill(this.context.frames, this.context.theme);
    } catch {
      this.place.append(
        h("p", { class: "empty" }, "This browser draws no 3-D here; the contours beside it show the same."),
      );
      return;
    }
    this.place.prepend(this.hill.canvas);
    this.hill.onTurned = (near, project) => this.label(near, project);
    this.listen(this.hill.canvas);
    this.resize();
    if (this.field) this.hill.show(this.field);
    if (this.path) this.hill.follow(this.path, this.position);
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.place;
    if (clientWidth > 0 && clientHeight > 0) this.hill?.resize(clientWidth, clientHeight);
  }

  /** A press that does not move places the marble; one that moves turns the hill. */
  private listen(canvas: HTMLCanvasElement): void {
    let from: [number, number] | undefined;
    canvas.addEventListener("pointerdown", ({ offsetX, offsetY }) => {
      from = [offsetX, offsetY];
    });
    canvas.addEventListener("pointerup", ({ offsetX, offsetY }) => {
      const isClick = from && Math.hypot(offsetX - from[0], offsetY - from[1]) < CLICK;
      from = undefined;
      const point = isClick ? this.hill?.placeAt(offsetX, offsetY) : undefined;
      if (point) this.onPlaced(point);
    });
  }

  private turn(event: KeyboardEvent): void {
    const turns: Record<string, [number, number, number]> = {
      ArrowLeft: [-TURN, 0, 1],
      ArrowRight: [TURN, 0, 1],
      ArrowUp: [0, -TURN, 1],
      ArrowDown: [0, TURN, 1],
      "+": [0, 0, 0.9],
      "=": [0, 0, 0.9],
      "-": [0, 0, 1.1],
    };
    const turn = turns[event.key];
    if (event.key === "0") this.hill?.lookAgain();
    else if (turn) this.hill?.orbit(...turn);
    else return;
    event.preventDefault();
  }

  /** On the two sides that are towards the eye. */
  private label(near: { x: number; z: number }, project: Project): void {
    const { field } = this;
    if (!field) return;
    const { xs, ys, n } = field;
    const [x = "x", y = "y"] = this.variables;
    const [side, front] = [0.57 * near.x, 0.57 * near.z];
    const texts: [string, number, number][] = [
      [short(xs[0] ?? 0, 3), -0.47, front],
      [x, 0, 1.09 * front],
      [short(xs[n - 1] ?? 0, 3), 0.47, front],
      [short(ys[0] ?? 0, 3), side, 0.47],
      [y, 1.09 * side, 0],
      [short(ys[n - 1] ?? 0, 3), side, -0.47],
    ];
    texts.forEach(([text, across, along], k) => {
      const label = this.labels[k];
      if (!label) return;
      const [left, top] = project(across, 0, along);
      replaceText(label, text);
      label.style.transform = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px) translate(-50%, -50%)`;
    });
  }
}
