// Over anywidget's custom messages: the head as JSON content, the numbers as one buffer.

import type { Backend, CallOptions } from "./backend";
import type { Head } from "./message";
import { Pending } from "./pending";

/** The part of anywidget's model that is used. */
export interface Model {
  get(name: string): unknown;
  send(content: unknown): void;
  on(event: "msg:custom", listener: (content: Head, buffers: readonly DataView[]) => void): void;
  off(event: "msg:custom", listener: (content: Head, buffers: readonly DataView[]) => void): void;
}

export class NotebookBackend implements Backend {
  private readonly pending = new Pending();

  constructor(private readonly model: Model) {
    model.on("msg:custom", this.receive);
  }

  call(method: string, params: object, options?: CallOptions): Promise<unknown> {
    return this.pending.ask((message) => this.model.send(message), method, params, options);
  }

  close(): void {
    this.model.off("msg:custom", this.receive);
  }

  private readonly receive = (head: Head, buffers: readonly DataView[]): void => {
    this.pending.settle({ head, numbers: numbersOf(buffers[0]) });
  };
}

/** A notebook may hand the bytes over at an address that is no multiple of eight; then they are copied. */
function numbersOf(view: DataView | undefined): Float64Array {
  if (!view) return new Float64Array();
  const { buffer, byteOffset, byteLength } = view;
  if (byteOffset % 8 === 0) return new Float64Array(buffer as ArrayBuffer, byteOffset, byteLength / 8);
  return new Float64Array((buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength));
}
