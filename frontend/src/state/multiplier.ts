// By what a step multiplies a small distance from the minimum: real ones keep their sign, which tells a zigzag.

import type { Limits, Multiplier } from "./answers";
import { nearestRate } from "./path";

const SAME = 1e-9;

export const valueOf = ({ real, imaginary, size }: Multiplier): number => (imaginary === 0 ? real : size);

/** At one of the fan's rates; NaN at others, whose run tells it, and where none is known. */
export function multiplierAt(limits: Limits | undefined, rate: number | null): number {
  const { rates, multipliers } = limits ?? {};
  if (!rates || !multipliers || rate === null) return NaN;
  const index = nearestRate(rates.data, rate);
  if (!(Math.abs((rates.data[index] ?? NaN) / rate - 1) < SAME)) return NaN;
  const [real = NaN, imaginary = NaN] = multipliers.data.subarray(2 * index, 2 * index + 2);
  return valueOf({ real, imaginary, size: Math.hypot(real, imaginary) });
}
