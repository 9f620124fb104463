import { describe, expect, it } from "vitest";
import type { FunctionInfo } from "../src/state/answers";
import { drawnNames } from "../src/state/drawn_names";
import { grid } from "./packed";

const problem = (variables: string[], origin?: number[]): FunctionInfo =>
  ({
    variables,
    n_variables: variables.length,
    slice: origin ? { origin: grid([origin.length], ...origin) } : null,
  }) as unknown as FunctionInfo;

describe("the axes of the drawing", () => {
  it("are the variables, where there are one or two", () => {
    expect(drawnNames(problem(["t"]), undefined)).toEqual(["t"]);
    expect(drawnNames(problem(["u", "v"]), undefined)).toEqual(["u", "v"]);
  });

  it("are the two variables of a slice along them, counted from its origin", () => {
    const names = drawnNames(problem(["a", "b", "c"], [-0.25, 2, 1e-12]), { axes: [2, 0] });
    expect(names).toEqual(["c", "a + 0.25"]);
    expect(drawnNames(problem(["a", "b", "c"], [-0.25, 2, 0]), { axes: [0, 1] })[1]).toBe("b \u2212 2");
  });

  it("are no variables where the slice runs along none", () => {
    expect(drawnNames(problem(["a", "b", "c"], [0, 0, 0]), { principal: true })).toEqual([
      "first direction",
      "second direction",
    ]);
  });
});
