import { describe, expect, it } from "vitest";
import { lossScale } from "../src/drawing/loss_scale";
import { grid } from "./packed";

const n = 801;
const xs = Array.from({ length: n }, (_, k) => -5 + (10 * k) / (n - 1));
const scaleOf = (f: (x: number) => number) => {
  const z = xs.map(f);
  return lossScale({ z: grid([n], ...z), low: Math.min(...z), high: Math.max(...z) });
};

describe("the scale of losses", () => {
  it("of exp(x^2) is logarithmic: drawn, it is a parabola", () => {
    const scale = scaleOf((x) => Math.exp(x * x));
    expect(scale.isLogarithmic).toBe(true);
    for (const x of [0, 0.5, 1, 3, 5]) expect(scale.of(Math.exp(x * x))).toBeCloseTo(x * x, 9);
    expect(scale.growth(Math.E) * 2 * Math.E).toBeCloseTo(2, 9); // its slope at 1 is drawn as that of x^2
    expect(scale.invert(scale.of(1234))).toBeCloseTo(1234, 9);
  });

  it("labels powers of ten that stand apart", () => {
    const labels = scaleOf((x) => Math.exp(x * x)).ticks(0, 25, 8);
    expect(labels.every((value) => Number.isInteger(Math.log10(value)))).toBe(true);
    expect(labels.length).toBeGreaterThan(4);
    expect(labels.length).toBeLessThanOrEqual(9);
  });

  it.each([
    ["a parabola", (x: number) => x * x],
    ["a bump on a plateau", (x: number) => Math.exp(-(x ** 4))],
    ["flat in half of its range", (x: number) => 1e6 * Math.max(0, x)],
    ["an exponential", (x: number) => Math.exp(x)],
    ["the same everywhere", () => 7],
  ])("of %s is straight", (_, f) => {
    expect(scaleOf(f).isLogarithmic).toBe(false);
  });
});
