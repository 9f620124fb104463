import { describe, expect, it } from "vitest";
import { Refusal } from "../src/backend/backend";
import { decode, resultOf } from "../src/backend/message";
import { packed } from "./packed";

describe("an answer", () => {
  it("has its arrays as views of one run of numbers, with NaN and infinities", () => {
    const buffer = packed({ id: 1, result: { path: { $array: [2, 2, 1] }, low: "-inf" } }, [9, 9, NaN, Infinity]);
    const result = resultOf(decode(buffer)) as { path: { data: Float64Array; shape: number[] }; low: string };
    expect([...result.path.data]).toEqual([NaN, Infinity]);
    expect(result.path.shape).toEqual([2, 1]);
    expect(result.path.data.buffer).toBe(buffer);
    expect(result.low).toBe("-inf");
  });

  it("is thrown where it is an error, with the column that it points at", () => {
    const buffer = packed({ id: 1, error: { kind: "formula", message: "ends too early", column: 4 } }, []);
    expect(() => resultOf(decode(buffer))).toThrow(Refusal);
    try {
      resultOf(decode(buffer));
    } catch (error) {
      expect(error).toMatchObject({ kind: "formula", column: 4, message: "ends too early" });
    }
  });
});
