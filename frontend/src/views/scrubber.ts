// Every step as a bar of loss and as a row: drag, click or use the keyboard, and the marble follows.

import { button, download, h, replaceText } from "../drawing/element";
import { short } from "../state/numbers";
import { coordinate, toCsv } from "../state/path";
import type { Context } from "./context";
import { LossBars } from "./loss_bars";

const ROW = 26;
const SPARE = 6;

export class Scrubber {
  readonly element: HTMLElement;
  private readonly bars: LossBars;
  private readonly scale: HTMLButtonElement;
  private readonly head = h("tr");
  private readonly body = h("tbody");
  private readonly before = h("div");
  private readonly after = h("div");
  private readonly scroller: HTMLElement;
  private isAsked = false;
  /** Kept here: to ask the document for them in each frame would make it lay itself out each time. */
  private readonly sight = { top: 0, height: 0 };
  private readonly padding = { before: -1, after: -1 };

  constructor(private readonly context: Context) {
    const { laboratory, frames, theme, player } = context;
    this.bars = new LossBars(frames, theme);
    this.listen(this.bars.canvas);
    this.scale = button("Log scale", () => this.toggleScale(), { class: "small", "aria-pressed": "false" });
    const table = h(
      "table",
      {},
      h("caption", { class: "hidden" }, "Every step of the run"),
      h("thead", {}, this.head),
      this.body,
    );
    this.scroller = h(
      "div",
      { class: "table", tabindex: 0, role: "group", "aria-label": "Steps; arrow keys move the marble" },
      this.before,
      table,
      this.after,
    );
    this.scroller.addEventListener("scroll", () => {
      this.sight.top = this.scroller.scrollTop;
      this.ask();
    });
    new ResizeObserver(() => {
      this.sight.height = this.scroller.clientHeight;
      this.ask();
    }).observe(this.scroller);
    this.scroller.addEventListener("keydown", (event) => this.onKey(event));
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
      this.scroller,
    );
    laboratory.on(["path", "step"], () => this.show());
    laboratory.on("step", () => this.keepInSight(player.row));
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
    this.ask();
  }

  private ask(): void {
    if (this.isAsked) return;
    this.isAsked = true;
    this.context.frames.draw(() => {
      this.isAsked = false;
      this.fill();
    });
  }

  /** Only the rows in sight are in the document: a path may have ten thousand. */
  private fill(): void {
    const { path, problem } = this.context.laboratory;
    if (!path) return this.body.replaceChildren();
    const names = problem?.variables.length === path.n_variables ? problem.variables : [];
    const shown = Math.min(path.n_variables, 4);
    const columns = ["step", ...Array.from({ length: shown }, (_, k) => names[k] ?? `x${k + 1}`), "loss", "gradient"];
    if (this.head.textContent !== columns.join("")) {
      this.head.replaceChildren(...columns.map((name) => h("th", { scope: "col" }, name)));
    }
    const count = Math.ceil(this.sight.height / ROW) + 2 * SPARE;
    const first = Math.max(0, Math.min(Math.floor(this.sight.top / ROW) - SPARE, path.n_rows - count));
    const last = Math.min(path.n_rows, first + count);
    this.pad("before", first);
    this.pad("after", path.n_rows - last);
    while (this.body.rows.length > last - first) this.body.deleteRow(-1);
    while (this.body.rows.length < last - first) this.body.append(this.newRow());
    for (let k = first; k < last; k++) {
      const cells = [String(k)];
      for (let variable = 0; variable < shown; variable++) cells.push(short(coordinate(path, k, variable)));
      cells.push(short(path.losses[k] ?? NaN), short(path.gradient_norms[k] ?? NaN));
      this.fillRow(this.body.rows[k - first], k, cells);
    }
  }

  private pad(side: "before" | "after", rows: number): void {
    if (this.padding[side] !== rows) this[side].style.height = `${rows * ROW}px`;
    this.padding[side] = rows;
  }

  private newRow(): HTMLTableRowElement {
    const row = h("tr", {});
    row.addEventListener("click", () => this.go(Number(row.dataset.row)));
    return row;
  }

  private fillRow(row: HTMLTableRowElement | undefined, k: number, cells: readonly string[]): void {
    if (!row) return;
    row.dataset.row = String(k);
    const isCurrent = k === this.context.player.row;
    row.classList.toggle("current", isCurrent);
    if (isCurrent) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
    while (row.cells.length > cells.length) row.deleteCell(-1);
    while (row.cells.length < cells.length) row.append(h("td"));
    cells.forEach((text, c) => replaceText(row.cells[c] as HTMLElement, text));
  }

  private go(row: number): void {
    this.context.player.pause();
    this.context.player.go(row);
  }

  private keepInSight(row: number): void {
    const { top, height } = this.sight;
    const wanted = row * ROW < top ? row * ROW : Math.max(top, (row + 2) * ROW - height);
    if (wanted === top) return;
    this.sight.top = wanted;
    this.scroller.scrollTop = wanted;
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

  private csv(): string | undefined {
    const { path, problem } = this.context.laboratory;
    if (!path) return undefined;
    const names = problem?.variables ?? [];
    return toCsv(
      path,
      Array.from({ length: path.n_variables }, (_, k) => names[k] ?? `x${k + 1}`),
    );
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
