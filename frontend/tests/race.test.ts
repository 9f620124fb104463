import { describe, expect, it } from "vitest";
import { standing } from "../src/views/race_entrant";

describe("an entrant of a race", () => {
  it("is the lowest where no other is as low", () => {
    expect([0, 1, 2].map((k) => standing([0, 0.25, 3], k))).toEqual([
      "lowest",
      "0.25 above the lowest",
      "3 above the lowest",
    ]);
  });

  it("is told nothing of where several are as low, as at the start", () => {
    expect([0, 1, 2].map((k) => standing([0, 0, 0], k))).toEqual(["", "", ""]);
    expect(standing([0, 2, 0], 2)).toBe("");
  });
});
