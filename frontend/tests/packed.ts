// Answers as Python packs them, for tests; written from docs/laboratory.md and not from the page's own reader.

export function packed(head: object, numbers: readonly number[]): ArrayBuffer {
  let text = JSON.stringify(head);
  while ((4 + text.length) % 8 !== 0) text += " ";
  const buffer = new ArrayBuffer(4 + text.length + 8 * numbers.length);
  new DataView(buffer).setUint32(0, text.length, true);
  new Uint8Array(buffer).set(new TextEncoder().encode(text), 4);
  numbers.forEach((number, k) => new DataView(buffer).setFloat64(4 + text.length + 8 * k, number, true));
  return buffer;
}

export const grid = (shape: readonly number[], ...data: number[]) => ({ data: Float64Array.from(data), shape });
