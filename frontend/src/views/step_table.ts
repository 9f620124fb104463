// The steps as a table. Only the rows in sight are in the document: a path may have ten thousand. A frame of the roll
// only moves the mark; rows are written anew when others come into sight.

import { h, replaceText } from "../drawing/element";
import type { Frames } from "../drawing/frames";
import { short } from "../state/numbers";
import { coordinate, type Path, rateAt } from "../state/path";

const ROW = 26;
const SPARE = 6;
const MOST_VARIABLES = 4;

export class StepTable {
  readonly element: HTMLElement;
  private readonly head = h("tr");
  private readonly body = h("tbody");
  private readonly before = h("div");
  private readonly after = h("div");
  private path: Path | undefined;
  private names: readonly string[] = [];
  private current = 0;
  /** Kept here: to ask the document for them in each frame would make it lay itself out each time. */
  private top = 0;
  private height = 0;
  private written: { path: Path; names: readonly string[]; first: number; last: number } | undefined;
  private marked: HTMLTableRowElement | undefined;
  private readonly paint = (): void => this.write();

  constructor(
    private readonly frames: Frames,
    private readonly onChosen: (row: number) => void,
  ) {
    const caption = h("caption", { class: "hidden" }, "Every step of the run");
    const table = h("table", {}, caption, h("thead", {}, this.head), this.body);
    const attributes = {
      class: "table",
      tabindex: 0,
      role: "group",
      "aria-label": "Steps; arrow keys move the marble",
    };
    this.element = h("div", attributes, this.before, table, this.after);
    this.element.addEventListener("scroll", () => {
      this.top = this.element.scrollTop;
      frames.draw(this.paint);
    });
    new ResizeObserver(() => {
      this.height = this.element.clientHeight;
      frames.draw(this.paint);
    }).observe(this.element);
  }

  show(path: Path | undefined, names: readonly string[], current: number): void {
    this.path = path;
    this.names = names;
    this.current = current;
    this.frames.draw(this.paint);
  }

  /** One row farther turns a page, so that a roll scrolls seldom; a leap scrolls no more than it must. */
  keepInSight(row: number): void {
    const room = this.height - 2 * ROW; // below the head
    const at = row * ROW;
    if (at >= this.top && at <= this.top + room) return;
    const isNext = at > this.top + room && at <= this.top + room + ROW;
    this.top = at < this.top ? at : isNext ? at - ROW : at - room;
    this.element.scrollTop = this.top;
  }

  private write(): void {
    const { path, names } = this;
    if (!path) {
      this.written = undefined;
      return this.body.replaceChildren();
    }
    const count = Math.ceil(this.height / ROW) + 2 * SPARE;
    const first = Math.max(0, Math.min(Math.floor(this.top / ROW) - SPARE, path.n_rows - count));
    const last = Math.min(path.n_rows, first + count);
    const { written } = this;
    if (written?.path !== path || written.names !== names || written.first !== first || written.last !== last) {
      this.writeRows(path, first, last);
      this.written = { path, names, first, last };
    }
    this.mark(this.body.rows[this.current - first]);
  }

  private writeRows(path: Path, first: number, last: number): void {
    const shown = Math.min(path.n_variables, MOST_VARIABLES);
    const columns = ["step", ...this.names.slice(0, shown), "loss", "gradient", "rate"];
    if (this.head.textContent !== columns.join("")) {
      this.head.replaceChildren(...columns.map((name) => h("th", { scope: "col" }, name)));
    }
    this.before.style.height = `${first * ROW}px`;
    this.after.style.height = `${(path.n_rows - last) * ROW}px`;
    while (this.body.rows.length > last - first) this.body.deleteRow(-1);
    while (this.body.rows.length < last - first) this.body.append(this.newRow());
    for (let k = first; k < last; k++) {
      const cells = [String(k)];
      for (let variable = 0; variable < shown; variable++) cells.push(short(coordinate(path, k, variable)));
      const rate = rateAt(path, k);
      cells.push(
        short(path.losses[k] ?? NaN),
        short(path.gradient_norms[k] ?? NaN),
        Number.isNaN(rate) ? "" : short(rate),
      );
      this.writeRow(this.body.rows[k - first], k, cells);
    }
  }

  private newRow(): HTMLTableRowElement {
    const row = h("tr");
    row.addEventListener("click", () => this.onChosen(Number(row.dataset.row)));
    return row;
  }

  private writeRow(row: HTMLTableRowElement | undefined, k: number, cells: readonly string[]): void {
    if (!row) return;
    row.dataset.row = String(k);
    while (row.cells.length > cells.length) row.deleteCell(-1);
    while (row.cells.length < cells.length) row.append(h("td"));
    cells.forEach((text, c) => replaceText(row.cells[c] as HTMLElement, text));
  }

  private mark(row: HTMLTableRowElement | undefined): void {
    if (this.marked === row) return;
    this.marked?.classList.remove("current");
    this.marked?.removeAttribute("aria-current");
    row?.classList.add("current");
    row?.setAttribute("aria-current", "step");
    this.marked = row;
  }
}
