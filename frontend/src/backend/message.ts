// An answer: four bytes of length, a head of JSON, padded to a multiple of eight, then float64 numbers.
// In the head `{"$array": [offset, n_1, n_2, ...]}` stands for an array: a view of the numbers, not a copy.

import { type Complaint, type Grid, Refusal } from "./backend";

export interface Head {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: Complaint;
}

export interface Answer {
  readonly head: Head;
  readonly numbers: Float64Array;
}

export function decode(buffer: ArrayBuffer): Answer {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as Head;
  const begin = Math.ceil((4 + length) / 8) * 8;
  return { head, numbers: new Float64Array(buffer, begin, Math.max(0, Math.floor((buffer.byteLength - begin) / 8))) };
}

/** The result, with its arrays in place; throws the error that the head holds. */
export function resultOf({ head, numbers }: Answer): unknown {
  if (head.error) throw new Refusal(head.error);
  return withArrays(head.result, numbers);
}

export function withArrays(value: unknown, numbers: Float64Array): unknown {
  if (Array.isArray(value)) return value.map((item) => withArrays(item, numbers));
  if (value === null || typeof value !== "object") return value;
  const place = (value as { $array?: number[] }).$array;
  if (place) return viewOf(place, numbers);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withArrays(item, numbers)]));
}

function viewOf([offset = 0, ...shape]: number[], numbers: Float64Array): Grid {
  const size = shape.reduce((product, n) => product * n, 1);
  return { data: numbers.subarray(offset, offset + size), shape };
}
