import { describe, expect, it } from "vitest";
import { Laboratory } from "../src/state/laboratory";
import { pointOf } from "../src/state/path";
import type { OpenedRun } from "../src/state/answers";
import { descent, FakeBackend } from "./fake";
import { grid } from "./packed";

async function begun(change = {}) {
  const backend = new FakeBackend();
  const laboratory = new Laboratory(backend);
  await laboratory.begin(change);
  return { backend, laboratory };
}

const rowsOf = (laboratory: Laboratory) => Array.from({ length: 4 }, (_, k) => pointOf(laboratory.path!, k)[0]);

describe("the laboratory", () => {
  it("begins with what Python opens, at the method's usual rate", async () => {
    const { laboratory } = await begun();
    expect(laboratory.setting).toMatchObject({ fun: "parabola", start: [5], learning_rate: 0.1, ranges: [[-6, 6]] });
    expect(laboratory.path?.run).not.toBeNull();
  });

  it("prefers what the address says", async () => {
    const { laboratory } = await begun({ fun: "parabola", start: [-3], learning_rate: 0.35 });
    expect(rowsOf(laboratory)).toEqual(descent(-3, 0.35));
  });

  it("asks for nothing while the rate's slider moves, and for the exact run when it is let go", async () => {
    const { backend, laboratory } = await begun();
    const before = backend.asked.length;
    for (let k = 0; k < 4; k++) {
      laboratory.slideRate(k);
      expect(rowsOf(laboratory)).toEqual(descent(5, [0.1, 0.2, 0.4, 0.8][k]!));
    }
    expect(backend.asked.length).toBe(before);
    await laboratory.settleRate(laboratory.setting.learning_rate);
    expect(backend.asked[before]).toMatchObject({ method: "run", params: { learning_rate: 0.8, explain: false } });
    expect(laboratory.path?.run).not.toBeNull();
  });

  it("uses a typed rate to its last digit", async () => {
    const { laboratory } = await begun();
    await laboratory.settleRate(0.1234567890123);
    expect(rowsOf(laboratory)).toEqual(descent(5, 0.1234567890123));
  });

  it("asks at most one fan at a time while another slider is dragged, and the last value wins", async () => {
    const { backend, laboratory } = await begun();
    const before = backend.count("fan");
    let open = (): void => undefined;
    backend.gate = new Promise((resolve) => (open = resolve));
    const changes = Array.from({ length: 20 }, (_, k) => laboratory.change({ start: [k / 4] }));
    expect(backend.count("fan")).toBe(before + 1);
    open();
    await changes[7]; // which the last one has replaced
    expect(backend.count("fan")).toBe(before + 2);
    expect(rowsOf(laboratory)).toEqual(descent(19 / 4, 0.1));
  });

  it("gives another method its coefficients and its usual rate", async () => {
    const { laboratory } = await begun();
    await laboratory.change({ method: "momentum", coefficients: {} });
    expect(laboratory.setting).toMatchObject({ coefficients: { beta: 0.9 }, learning_rate: 0.05 });
    await laboratory.change({ method: "gradient_descent", coefficients: {} });
    expect(laboratory.setting.coefficients).toEqual({});
  });

  const recorded = async (backend: FakeBackend, setting: object | null): Promise<OpenedRun> => {
    const run = (await backend.call("run", { start: [4], learning_rate: 0.2 })) as OpenedRun;
    return { ...run, path: grid([4, 1], 4, 3, 2, 1), setting: setting as OpenedRun["setting"], title: "another" };
  };

  it("brings an opened run back as it was recorded, from another function", async () => {
    const { backend, laboratory } = await begun();
    await laboratory.open(await recorded(backend, { fun: "parabola", start: [4], learning_rate: 0.2 }));
    expect(rowsOf(laboratory)).toEqual([4, 3, 2, 1]);
    const { present } = laboratory;
    await laboratory.useFunction("parabola", { start: [1], learning_rate: 0.1 });
    expect(rowsOf(laboratory)).toEqual(descent(1, 0.1));
    await laboratory.bringBack(present);
    expect(rowsOf(laboratory)).toEqual([4, 3, 2, 1]);
    await laboratory.change({ max_steps: 299 });
    expect(rowsOf(laboratory)).toEqual(descent(4, 0.2));
  });

  it("says nothing of a run whose function is not at hand by what it knows of another", async () => {
    const { backend, laboratory } = await begun();
    await laboratory.open(await recorded(backend, null));
    expect(rowsOf(laboratory)).toEqual([4, 3, 2, 1]);
    expect([laboratory.surface, laboratory.fan, laboratory.limits]).toEqual([undefined, undefined, undefined]);
    expect(laboratory.path?.run?.sentences).toEqual([]);
    await laboratory.change({ start: [2] });
    expect(rowsOf(laboratory)).toEqual(descent(2, 0.1));
    expect(laboratory.surface).toBeDefined();
  });

  it("asks, when exported, for what it asks for when it begins", async () => {
    const { laboratory } = await begun();
    const { backend } = await begun(laboratory.setting);
    const bakes = laboratory.requests.map((request) => JSON.stringify(request));
    for (const asked of backend.asked) expect(bakes).toContain(JSON.stringify(asked));
  });
});
