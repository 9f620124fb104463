// A surface over two variables as a grid that can be asked for heights between its points. For drawing alone:
// the numbers that are shown come with the path.

import type { Surface } from "../state/answers";
import { type LossScale, lossScale } from "./loss_scale";

export class Field {
  readonly n: number;
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  readonly scale: LossScale;
  /** Heights are drawn as the share of the way up the scale, to this power: 1 is true to it. */
  readonly power: number;
  /** The drawn height of each point of the grid, row after row. */
  readonly heights: Float64Array;
  private readonly z: Float64Array;

  constructor(surface: Surface, compress = true) {
    const { x, y } = surface;
    if (!y) throw new Error("a surface over two variables has two axes");
    this.xs = x.data;
    this.ys = y.data;
    this.n = x.data.length;
    this.z = surface.z.data;
    this.scale = lossScale(surface);
    this.power = compress && !this.scale.isLogarithmic ? this.fairPower() : 1;
    this.heights = Float64Array.from(this.z, (z) => this.height(z));
  }

  /** The value at column i (first variable) and row j (second). */
  at(i: number, j: number): number {
    return this.z[j * this.n + i] ?? NaN;
  }

  /** From 0 to 1. */
  height(z: number): number {
    const share = this.share(z);
    const inside = Number.isNaN(share) ? 1 : share;
    return this.power === 1 ? inside : inside ** this.power;
  }

  /** Where a point lies between the edges, from 0 to 1. */
  across(x: number): number {
    return (x - (this.xs[0] ?? 0)) / ((this.xs[this.n - 1] ?? 1) - (this.xs[0] ?? 0));
  }

  along(y: number): number {
    return (y - (this.ys[0] ?? 0)) / ((this.ys[this.n - 1] ?? 1) - (this.ys[0] ?? 0));
  }

  holds(x: number, y: number): boolean {
    const [u, v] = [this.across(x), this.along(y)];
    return u >= 0 && u <= 1 && v >= 0 && v <= 1;
  }

  /** The drawn height at a point between those of the grid. */
  heightAt(x: number, y: number): number {
    const u = Math.max(0, Math.min(1, this.across(x))) * (this.n - 1);
    const v = Math.max(0, Math.min(1, this.along(y))) * (this.n - 1);
    const i = Math.min(Math.floor(u), this.n - 2);
    const j = Math.min(Math.floor(v), this.n - 2);
    const [s, t] = [u - i, v - j];
    const { heights, n } = this;
    const k = j * n + i;
    const lower = (1 - s) * (heights[k] ?? 0) + s * (heights[k + 1] ?? 0);
    const upper = (1 - s) * (heights[k + n] ?? 0) + s * (heights[k + n + 1] ?? 0);
    return (1 - t) * lower + t * upper;
  }

  /** A bowl with high corners would be a flat plain: the median is lifted to about a third. */
  private fairPower(): number {
    const shares = Array.from(this.z, (z) => this.share(z)).filter((share) => !Number.isNaN(share));
    const median = shares.sort((a, b) => a - b)[shares.length >> 1] ?? 0.3;
    if (median >= 0.2) return 1;
    const power = Math.log(0.36) / Math.log(Math.max(median, 1e-6));
    return [0.5, 1 / 3, 0.25].find((candidate) => candidate <= power) ?? 0.2;
  }

  private share(z: number): number {
    const { of, low, high } = this.scale;
    return Math.max(0, Math.min(1, (of(z) - of(low)) / (of(high) - of(low) || 1)));
  }
}
