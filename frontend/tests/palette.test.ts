import { describe, expect, it } from "vitest";
import { DARK, LIGHT, type Palette } from "../src/drawing/palette";

/** WCAG 2: relative luminance, and the ratio of two. */
function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((k) => {
    const share = Number.parseInt(color.slice(k, k + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

describe.each([
  ["light", LIGHT],
  ["dark", DARK],
] as [string, Palette][])("the %s colours", (_, palette) => {
  it("of words can be read on every ground", () => {
    for (const words of [palette.ink, palette.soft, palette.good, palette.zigzag, palette.bad]) {
      for (const ground of [palette.page, palette.panel, palette.well])
        expect(contrast(words, ground)).toBeGreaterThan(4.5);
    }
    expect(contrast(palette.onAccent, palette.accent)).toBeGreaterThan(4.5);
  });

  it("of lines stand out from their ground", () => {
    for (const line of [palette.curve, palette.path, palette.tangent, palette.marble, palette.accent]) {
      expect(contrast(line, palette.panel)).toBeGreaterThan(3);
    }
  });
});
