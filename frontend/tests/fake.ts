// Python's part played by arithmetic on a parabola, for tests of the page's state. It counts what it is asked.

import type { Backend } from "../src/backend/backend";
import { grid } from "./packed";

const METHODS = [
  { name: "gradient_descent", title: "gradient descent", coefficients: [] },
  { name: "momentum", title: "momentum", coefficients: [{ name: "beta", default: 0.9, interval: "[0, 1)" }] },
];
const USUAL = {
  gradient_descent: { interval: [0.01, 3], default: 0.1 },
  momentum: { interval: [0.01, 3], default: 0.05 },
};

export class FakeBackend implements Backend {
  readonly asked: { method: string; params: Record<string, unknown> }[] = [];
  /** Answers wait for this. */
  gate: Promise<void> = Promise.resolve();

  async call(method: string, params: object): Promise<unknown> {
    this.asked.push({ method, params: params as Record<string, unknown> });
    await this.gate;
    return this.answer(method, params as Record<string, unknown>);
  }

  count(method: string): number {
    return this.asked.filter((one) => one.method === method).length;
  }

  close(): void {}

  private answer(method: string, params: Record<string, unknown>): unknown {
    if (method === "hello") return HELLO;
    if (method === "function") return { ...PARABOLA, fun: params.fun };
    if (method === "surface")
      return { x: grid([3], -6, 0, 6), z: grid([3], 36, 0, 36), slope: grid([3], -12, 0, 12), low: 0, high: 36 };
    if (method === "limits")
      return {
        found: false,
        why: "not here",
        zigzag_from: null,
        best_rate: null,
        largest_stable: null,
        rates: null,
        multipliers: null,
      };
    const start = (params.start as number[])[0] ?? 0;
    if (method === "run")
      return {
        ...record([descent(start, params.learning_rate as number)]),
        learning_rates: grid([4]),
        status: "MAX_STEPS",
        message: "",
        sentences: [],
        n_steps: 3,
      };
    const rates = [0.1, 0.2, 0.4, 0.8];
    const runs = rates.map((rate) => descent(start, rate));
    return {
      ...record(runs),
      rates: grid([4], ...rates),
      first: grid([4], 0, 4, 8, 12),
      lengths: grid([4], 4, 4, 4, 4),
      status: rates.map(() => "MAX_STEPS"),
      behaviour: rates.map((rate) => (rate > 0.5 ? "zigzag" : "straight descent")),
      max_steps: 3,
    };
  }
}

/** x - a 2 x, three times. */
export const descent = (x: number, rate: number): number[] => {
  const rows = [x];
  for (let k = 0; k < 3; k++) rows.push((rows[k] ?? NaN) - rate * 2 * (rows[k] ?? NaN));
  return rows;
};

const record = (runs: number[][]) => {
  const x = runs.flat();
  return {
    path: grid([x.length, 1], ...x),
    losses: grid([x.length], ...x.map((v) => v * v)),
    gradient_norms: grid([x.length], ...x.map((v) => Math.abs(2 * v))),
    slopes: grid([x.length], ...x.map((v) => 2 * v)),
  };
};

const PARABOLA = {
  name: "parabola",
  title: "A bowl",
  formula: "x^2",
  variables: ["x"],
  n_variables: 1,
  ranges: [[-6, 6]],
  start: [5],
  learning_rates: USUAL,
  minima: [{ x: [0], loss: 0 }],
  slice: null,
};
const HELLO = {
  version: "0",
  functions: [PARABOLA],
  methods: METHODS,
  own: [],
  limits: {},
  quiz: [],
  opening: { fun: "parabola" },
  shows: false,
};
