import { describe, expect, it } from "vitest";
import { contour } from "../src/drawing/contours";
import { Field } from "../src/drawing/field";
import { grid } from "./packed";

const n = 41;
const axis = Array.from({ length: n }, (_, k) => -2 + (4 * k) / (n - 1));
const over = (f: (x: number, y: number) => number) => {
  const z = axis.flatMap((y) => axis.map((x) => f(x, y)));
  return {
    x: grid([n], ...axis),
    y: grid([n], ...axis),
    z: grid([n, n], ...z),
    low: Math.min(...z),
    high: Math.max(...z),
  };
};

describe("a surface", () => {
  it("has a row for each y", () => {
    const field = new Field(
      over((x, y) => 10 * x + y),
      false,
    );
    expect(field.at(0, n - 1)).toBe(10 * -2 + 2);
    expect(field.heightAt(1, 0)).toBeCloseTo((10 * 1 + 0 + 22) / 44, 12);
  });

  it("between its points is as high as a plane through them", () => {
    const field = new Field(
      over((x, y) => x + y),
      false,
    );
    expect(field.heightAt(0.123, -1.517)).toBeCloseTo((0.123 - 1.517 + 4) / 8, 12);
  });

  it("with high corners is compressed", () => {
    expect(new Field(over((x, y) => (x * x + y * y) ** 4)).power).toBeLessThan(1);
    expect(new Field(over((x, y) => x + y)).power).toBe(1);
  });

  it("where there is no number is drawn at the top", () => {
    expect(new Field(over((x, y) => x + y)).height(NaN)).toBe(1);
  });
});

describe("a level line", () => {
  it("of a round bowl lies on a circle", () => {
    const field = new Field(
      over((x, y) => x * x + y * y),
      false,
    );
    const segments = contour(field, 2 / 8); // x^2 + y^2 = 2
    expect(segments.length).toBeGreaterThan(4 * 40);
    for (let k = 0; k < segments.length; k += 2) {
      const [x, y] = [-2 + (segments[k]! * 4) / (n - 1), -2 + (segments[k + 1]! * 4) / (n - 1)];
      // Linear between points 0.1 apart, a parabola is off by at most 0.1^2 / 4.
      expect(Math.abs(x * x + y * y - 2)).toBeLessThan(0.1 ** 2 / 2);
    }
  });

  it("that nothing reaches is empty", () => {
    expect(contour(new Field(over(() => 1)), 0.5)).toHaveLength(0);
  });
});
