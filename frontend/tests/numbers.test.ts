import { describe, expect, it } from "vitest";
import { short, ticks, typed } from "../src/state/numbers";

describe("numbers for people", () => {
  it.each([
    [0, "0"],
    [0.1 + 0.2, "0.3"],
    [-1.23456789, "\u22121.23457"],
    [123456.789, "123457"],
    [1234567.8, "1.23457e6"],
    [0.0000123, "1.23e\u22125"],
    [-0.0000123, "\u22121.23e\u22125"],
    [NaN, "not a number"],
    [-Infinity, "\u2212\u221e"],
  ])("%d is %s", (value, text) => expect(short(value)).toBe(text));

  it("are read back from what is shown", () => {
    for (const value of [-1.5, 1.5e-9, -2e12, 0]) expect(typed(short(value))).toBe(value);
  });

  it("that are none are NaN, and not zero", () => {
    for (const text of ["", "  ", "x", "1 2", "--1"]) expect(typed(text)).toBeNaN();
  });

  it("beyond the largest are NaN: as JSON an infinity would be null, which is a line search", () => {
    for (const text of ["1e400", "-1e400", "Infinity"]) expect(typed(text)).toBeNaN();
  });

  it("label an axis at round places within it", () => {
    expect(ticks(-10, 10, 4)).toEqual([-10, -5, 0, 5, 10]);
    expect(ticks(0.1, 0.35, 5)).toEqual([0.1, 0.15, 0.2, 0.25, 0.3, 0.35]);
    expect(ticks(1, 1, 5)).toEqual([1]);
  });
});
