// Numbers as people read them. The digits are rounded here for the eye only; CSV and code have them all.

const MINUS = "\u2212";

/** Up to `digits` significant digits, without trailing zeros; very large and small ones in powers of ten. */
export function short(value: number, digits = 6): string {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "\u221e" : `${MINUS}\u221e`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e6 || size < 1e-4 ? scientific(value, digits) : String(Number(value.toPrecision(digits)));
  return text.replaceAll("-", MINUS);
}

function scientific(value: number, digits: number): string {
  const [mantissa = "", exponent = ""] = value.toExponential(Math.max(0, digits - 1)).split("e");
  return `${Number(mantissa)}e${Number(exponent)}`;
}

/** A number that a person typed: also with the minus sign that `short` writes. NaN where it is none, or too big for one. */
export function typed(text: string): number {
  const plain = text.trim().replaceAll(MINUS, "-").replace(",", ".");
  const value = plain === "" ? NaN : Number(plain);
  return Number.isFinite(value) ? value : NaN;
}

/** The number with as few digits as name it exactly; for input fields. */
export const exact = (value: number): string => String(value);

export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** Round numbers to label an axis with: about `count` of them between low and high. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const unit = rough / power;
  const step = (unit < 1.5 ? 1 : unit < 3.5 ? 2 : unit < 7.5 ? 5 : 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
