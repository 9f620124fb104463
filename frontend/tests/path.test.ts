import { describe, expect, it } from "vitest";
import { drawnAt, nearestRate, pathOfFan, pathOfRun, pointOf, rateAt, toCsv } from "../src/state/path";
import type { Run } from "../src/state/answers";
import { grid } from "./packed";

const fan = {
  rates: grid([2], 0.1, 0.2),
  first: grid([2], 0, 2),
  lengths: grid([2], 2, 1),
  path: grid([3, 2], 1, 2, 3, 4, 5, 6),
  losses: grid([3], 10, 20, 30),
  gradient_norms: grid([3], 1, 2, 3),
  status: ["MAX_STEPS", "NOT_FINITE"],
  behaviour: ["crawling", "diverging"],
};

describe("a rate of the fan", () => {
  it("has its own rows, without a copy", () => {
    const path = pathOfFan(fan, 1);
    expect([path.rate, path.n_rows, pointOf(path, 0), path.losses[0], path.behaviour]).toEqual([
      0.2,
      1,
      [5, 6],
      30,
      "diverging",
    ]);
    expect(path.points.buffer).toBe(fan.path.data.buffer);
  });

  it("is told of each step but where it falls, and of none after the last", () => {
    const path = pathOfFan(fan, 0, true);
    expect([rateAt(path, 0), rateAt(path, 1)]).toEqual([0.1, NaN]);
    expect(rateAt(pathOfFan(fan, 0), 0)).toBeNaN();
  });

  it("of many variables is drawn at its feet on the plane", () => {
    const path = pathOfFan({ ...fan, drawn: grid([3, 2], 0, 0, 0, 0, 7, 8) }, 1);
    expect([drawnAt(path, 0, 0), drawnAt(path, 0, 1)]).toEqual([7, 8]);
    expect(pointOf(path, 0)).toEqual([5, 6]);
  });
});

describe("the slider's position", () => {
  const rates = Float64Array.from({ length: 256 }, (_, k) => 1e-3 * 3000 ** (k / 255));

  it("of each rate is its own", () => {
    rates.forEach((rate, k) => expect(nearestRate(rates, rate)).toBe(k));
  });

  it("of a rate outside is the end on that side", () => {
    expect(nearestRate(rates, 1e-9)).toBe(0);
    expect(nearestRate(rates, 1e9)).toBe(255);
  });
});

describe("the table as CSV", () => {
  it("has every digit, the run's own rates, and none for the last row", () => {
    const run = {
      path: grid([2, 1], 0.1 + 0.2, 1 / 3),
      losses: grid([2], 1, 2),
      gradient_norms: grid([2], 3, NaN),
      learning_rates: grid([2], 0.5, NaN),
      status: "MAX_STEPS",
    } as unknown as Run;
    expect(toCsv(pathOfRun(run, 0.9), ["t"])).toBe(
      "step,t,loss,gradient_norm,learning_rate\n0,0.30000000000000004,1,3,0.5\n1,0.3333333333333333,2,NaN,\n",
    );
  });
});
