// Requests under way, by number; the socket and the notebook share it.

import { type CallOptions, Refusal } from "./backend";
import { type Answer, resultOf } from "./message";

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

export class Pending {
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;

  /** Sends the request, and cancels it in Python when the signal says so. */
  ask(send: (message: object) => void, method: string, params: object, options: CallOptions = {}): Promise<unknown> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      options.signal?.addEventListener("abort", () => {
        if (!this.waiting.delete(id)) return;
        reject(new Refusal({ kind: "cancelled", message: "The request was replaced by a newer one." }));
        send({ cancel: id });
      });
      send({ id, method, params });
    });
  }

  settle(answer: Answer): void {
    const id = answer.head.id ?? -1;
    const waiting = this.waiting.get(id);
    if (!waiting) return;
    this.waiting.delete(id);
    try {
      waiting.resolve(resultOf(answer));
    } catch (error) {
      waiting.reject(error);
    }
  }

  failAll(message: string): void {
    for (const { reject } of this.waiting.values()) reject(new Refusal({ kind: "connection", message }));
    this.waiting.clear();
  }
}
