// Every step as a bar of loss and as a row: drag, click or use the keyboard, and the marble follows.

import { button, download, h } from "../drawing/element";
import { short } from "../state/numbers";
import { toCsv } from "../state/path";
import type { Context } from "./context";
import { LossBars } from "./loss_bars";
import { StepTable } from "./step_table";

export class Scrubber {
  readonly element: HTMLElement;
  private readonly bars: LossBars;
  private readonly scale: HTMLButtonElement;
  private readonly table: StepTable;
  private names: readonly string[] = [];

  constructor(private readonly context: Context) {
    const { laboratory, frames, theme, player } = context;
    this.bars = new LossBars(frames, theme);
    this.listen(this.bars.canvas);
    this.scale = button("Log scale", () => this.toggleScale(), { class: "small", "aria-pressed": "false" });
    this.table = new StepTable(frames, (row) => this.go(row));
    this.table.element.addEventListener("keydown", (event) => this.onKey(event));
    this.element = h(
      "section",
      { class: "panel scrubber", "aria-label": "Steps" },
      h(
        "div",
        { class: "row" },
        h("h2", {}, "Steps"),
        this.scale,
        button("Copy CSV", () => this.copy(), { class: "small" }),
        button("Download CSV", () => this.save(), { class: "small" }),
      ),
      this.bars.canvas,
      this.table.element,
    );
    laboratory.on(["path", "step"], () => this.show());
    laboratory.on("step", () => this.table.keepInSight(player.row));
    laboratory.on(["function", "path"], () => this.nameColumns());
  }

  private show(): void {
    const { laboratory, player } = this.context;
    this.bars.path = laboratory.path;
    this.bars.row = player.row;
    this.bars.changed();
    this.bars.canvas.setAttribute("aria-valuemax", String(player.lastRow));
    this.bars.canvas.setAttribute("aria-valuenow", String(player.row));
    const loss = laboratory.path?.losses[player.row] ?? NaN;
    this.bars.canvas.setAttribute("aria-valuetext", `step ${player.row}, loss ${short(loss)}`);
    this.table.show(laboratory.path, this.names, player.row);
  }

  private go(row: number): void {
    this.context.player.pause();
    this.context.player.go(row);
  }

  private listen(canvas: HTMLCanvasElement): void {
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "slider");
    canvas.setAttribute("aria-label", "Step");
    canvas.setAttribute("aria-valuemin", "0");
    canvas.addEventListener("keydown", (event) => this.onKey(event));
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.go(this.bars.rowAt(event.offsetX));
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.go(this.bars.rowAt(event.offsetX));
    });
  }

  private onKey(event: KeyboardEvent): void {
    const { row, lastRow } = this.context.player;
    const targets: Record<string, number> = {
      ArrowRight: row + 1,
      ArrowDown: row + 1,
      ArrowLeft: row - 1,
      ArrowUp: row - 1,
      PageDown: row + 10,
      PageUp: row - 10,
      Home: 0,
      End: lastRow,
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    this.go(target);
  }

  private toggleScale(): void {
    this.bars.isLog = !this.bars.isLog;
    this.scale.setAttribute("aria-pressed", String(this.bars.isLog));
    this.bars.changed();
  }

  /** A new list only where the names are new: the table is written anew then. */
  private nameColumns(): void {
    const { path, problem } = this.context.laboratory;
    const n = path?.n_variables ?? 0;
    const names = Array.from(
      { length: n },
      (_, k) => (problem?.variables.length === n ? problem.variables[k] : "") || `x${k + 1}`,
    );
    if (names.join() === this.names.join()) return;
    this.names = names;
    this.show();
  }

  private csv(): string | undefined {
    const { path } = this.context.laboratory;
    return path && toCsv(path, this.names);
  }

  private async copy(): Promise<void> {
    const text = this.csv();
    if (!text) return;
    await navigator.clipboard.writeText(text).then(
      () => this.context.announce("The table is in the clipboard."),
      () => this.context.announce("The browser did not allow copying; use Download CSV."),
    );
  }

  private save(): void {
    const text = this.csv();
    if (text) download("downslope-steps.csv", text, "text/csv");
  }
}
