// Over answers that were computed when the page was exported. What was not baked is refused in plain words.

import { type Backend, Refusal } from "./backend";
import { withArrays } from "./message";

/** One answer: what was asked, the result with the places of its arrays, and the numbers in base64. */
export interface BakedAnswer {
  readonly method: string;
  readonly params: object;
  readonly head: unknown;
  readonly numbers: string;
}

export type Baked = readonly BakedAnswer[];

export class BakedBackend implements Backend {
  private readonly answers: ReadonlyMap<string, BakedAnswer>;

  constructor(baked: Baked) {
    this.answers = new Map(baked.map((answer) => [`${answer.method} ${canonical(answer.params)}`, answer]));
  }

  async call(method: string, params: object): Promise<unknown> {
    const answer = this.answers.get(`${method} ${canonical(params)}`);
    if (!answer) {
      const message =
        "This exported page holds its own function, start and rates only: `downslope lab` computes the rest.";
      throw new Refusal({ kind: "not_baked", message });
    }
    return withArrays(answer.head, numbersOf(answer.numbers));
  }

  close(): void {}
}

function numbersOf(base64: string): Float64Array {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Float64Array(bytes.buffer);
}

/** JSON with the keys of every object in order, so that equal requests are equal texts. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}
