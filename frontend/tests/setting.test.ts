import { describe, expect, it } from "vitest";
import { FIRST, fromHash, type Setting, toHash } from "../src/state/setting";

const setting: Setting = {
  ...FIRST,
  fun: "x cos(x) + 9; #&=%",
  ranges: [[-1e-7, 0.1 + 0.2]],
  start: [1 / 3],
  method: "adam",
  coefficients: { beta1: 0.9, beta2: 0.999 },
  learning_rate: 0.1 + 0.2,
  decay: 0.97,
  noise: 0.5,
  seed: 7,
  max_steps: 42,
  gradient_tolerance: null,
  slice: { axes: [0, 2] },
};

describe("the address", () => {
  it("holds the whole setting, to the last bit", () => {
    const { change, ...shown } = fromHash(toHash(setting, { view: "race", step: 7, more: '[{"a":"+&"}]' }));
    expect({ ...FIRST, ...change }).toEqual(setting);
    expect(shown).toEqual({ view: "race", step: 7, more: '[{"a":"+&"}]' });
  });

  it("holds a rate that is chosen at each step", () => {
    expect(fromHash(toHash({ ...FIRST, learning_rate: null }, { view: "descend" })).change.learning_rate).toBeNull();
  });

  it("may be typed by hand, with its plus signs", () => {
    expect(fromHash("#f=x^2 + 5*y^2").change.fun).toBe("x^2 + 5*y^2");
    expect(fromHash("#f=x^2%20+%205*y^2").change.fun).toBe("x^2 + 5*y^2");
  });

  it("that is broken changes nothing of what it does not say", () => {
    const { change, view } = fromHash("#s=1,abc&r=1,2,3;4&a=oops&k=&slice={&v=");
    expect(change.start).toBeUndefined();
    expect(change.ranges).toBeUndefined();
    expect(change.learning_rate).toBeUndefined();
    expect(change.max_steps).toBeUndefined();
    expect(view).toBe("");
  });
});
