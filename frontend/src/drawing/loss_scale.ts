// How high a loss is drawn. Where most losses are a tiny share of the highest, as of exp(x^2), the scale is logarithmic:
// by the logarithm of 1 + (loss - lowest) / unit, which is straight near the lowest loss and goes by factors far above.

import { ticks } from "../state/numbers";
import { asNumber, type Surface } from "../state/answers";

/** Where half of the losses lie below this share of the highest, a straight scale draws them all at the bottom. */
const TINY = 3e-4;
/** Losses that differ by less than this are a plateau, and no such function. */
const WIDE = 1e3;

export interface LossScale {
  readonly isLogarithmic: boolean;
  /** Between which losses to draw. */
  readonly low: number;
  readonly high: number;
  /** What is drawn to scale, and the loss that is drawn there. */
  readonly of: (loss: number) => number;
  readonly invert: (drawn: number) => number;
  /** How quickly `of` grows at a loss. */
  readonly growth: (loss: number) => number;
  /** Losses to label between two drawn heights. */
  readonly ticks: (low: number, high: number, count: number) => number[];
}

export function lossScale({ z, low: lowest, high: usual }: Pick<Surface, "z" | "low" | "high">): LossScale {
  const [low, high] = [asNumber(lowest), asNumber(usual)];
  const unit = Math.max(1, Math.abs(low));
  const most = z.data.reduce((a, b) => (Number.isFinite(b) && b > a ? b : a), -Infinity);
  const isWide = most - low > WIDE * unit && medianShare(z.data, low, high) < TINY;
  return isWide ? logarithmic(low, most, unit) : straight(low, high);
}

function straight(low: number, high: number): LossScale {
  const same = (value: number): number => value;
  return { isLogarithmic: false, low, high, of: same, invert: same, growth: () => 1, ticks };
}

function logarithmic(low: number, high: number, unit: number): LossScale {
  const of = (loss: number): number => Math.log1p((loss - low) / unit);
  const invert = (drawn: number): number => low + unit * Math.expm1(drawn);
  return {
    isLogarithmic: true,
    low,
    high,
    of,
    invert,
    growth: (loss) => 1 / (unit + loss - low),
    ticks: (from, to, count) => powers(invert(from), invert(to), of, (to - from) / count),
  };
}

/** 0 and powers of ten, at least `gap` apart as drawn. */
function powers(low: number, high: number, of: (loss: number) => number, gap: number): number[] {
  const found: number[] = [];
  const all = Array.from({ length: 309 }, (_, k) => Number(`1e${k}`));
  for (const value of [...all.map((v) => -v).reverse(), 0, ...all]) {
    if (value < low || value > high) continue;
    const last = found.at(-1);
    if (last === undefined || of(value) - of(last) >= gap) found.push(value);
  }
  return found;
}

/** Of the losses above the lowest: a function may be flat in half of its range. */
function medianShare(z: Float64Array, low: number, high: number): number {
  const above = z.filter((value) => value > low && Number.isFinite(value)).sort();
  return above.length === 0 ? 1 : ((above[above.length >> 1] ?? high) - low) / (high - low || 1);
}
