// The losses as bars, one a step; more steps than pixels share one.

import { disc, FONT } from "../drawing/axes";
import { Board } from "../drawing/board";
import { short } from "../state/numbers";
import type { Path } from "../state/path";

const EDGE = 6;

export class LossBars extends Board {
  path: Path | undefined;
  row = 0;
  isLog = false;

  rowAt(pixel: number): number {
    const n = this.path?.n_rows ?? 1;
    return Math.max(0, Math.min(n - 1, Math.floor(((pixel - EDGE) / (this.width - 2 * EDGE)) * n)));
  }

  protected override paintMoving(context: CanvasRenderingContext2D): void {
    const { path } = this;
    if (!path) return;
    const { palette } = this.theme;
    const [low, high] = this.span(path);
    const floor = this.height - 14;
    const width = (this.width - 2 * EDGE) / path.n_rows;
    const every = Math.max(1, Math.floor(1 / width));
    for (let k = 0; k < path.n_rows; k += every) {
      const loss = this.scaled(path.losses[k] ?? NaN);
      const share = Number.isFinite(loss) ? Math.max(0, Math.min(1, (loss - low) / (high - low || 1))) : 1;
      const height = Math.max(2, share * (floor - 20));
      context.fillStyle = k > this.row ? palette.line : palette.curve;
      context.fillRect(EDGE + k * width, floor - height, Math.max(1, width * every - (width > 4 ? 1.5 : 0)), height);
    }
    const at = EDGE + (this.row + 0.5) * width;
    context.fillStyle = palette.marble;
    disc(context, at, floor + 6, 5);
    context.font = FONT;
    context.fillStyle = palette.soft;
    context.textAlign = "left";
    context.textBaseline = "top";
    const unit = this.isLog ? "loss above the lowest, in powers of ten" : "loss";
    context.fillText(`${unit}: up to ${short(this.unscaled(high), 4)}`, EDGE, 2);
  }

  /** Of the finite losses, from the lowest (or 0, where they lie on one side of it) to the highest. */
  private span(path: Path): [number, number] {
    let [low, high] = [Infinity, -Infinity];
    this.lowest = path.losses.reduce((a, b) => (b < a ? b : a), Infinity);
    for (const loss of path.losses) {
      const value = this.scaled(loss);
      if (!Number.isFinite(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (low > high) return [0, 1];
    if (!this.isLog && low > 0) low = 0;
    return [low, high];
  }

  private lowest = 0;

  private scaled(loss: number): number {
    if (!this.isLog) return loss;
    const above = loss - this.lowest;
    return above > 0 ? Math.max(Math.log10(above), -18) : -18;
  }

  private unscaled(value: number): number {
    return this.isLog ? 10 ** value : value;
  }
}
