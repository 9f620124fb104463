// Over a WebSocket, to `downslope lab`. A connection that was lost is opened again at the next request.

import { type Backend, type CallOptions, Refusal } from "./backend";
import { decode } from "./message";
import { Pending } from "./pending";

const GONE = "The laboratory's Python process cannot be reached: start `downslope lab` again and reload the page.";

export class SocketBackend implements Backend {
  private readonly pending = new Pending();
  private socket: WebSocket | undefined;
  private opening: Promise<WebSocket> | undefined;

  constructor(private readonly address: string) {
    this.open().catch(() => undefined); // the first call tells
  }

  async call(method: string, params: object, options?: CallOptions): Promise<unknown> {
    const socket = await this.open();
    return this.pending.ask((message) => socket.send(JSON.stringify(message)), method, params, options);
  }

  close(): void {
    this.socket?.close();
  }

  private open(): Promise<WebSocket> {
    if (this.socket?.readyState === WebSocket.OPEN) return Promise.resolve(this.socket);
    this.opening ??= new Promise<WebSocket>((resolve, reject) => {
      const socket = new WebSocket(this.address);
      socket.binaryType = "arraybuffer";
      socket.onopen = () => {
        this.socket = socket;
        this.opening = undefined;
        resolve(socket);
      };
      socket.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) this.pending.settle(decode(data));
      };
      socket.onclose = () => {
        this.opening = undefined;
        this.pending.failAll(GONE);
        reject(new Refusal({ kind: "connection", message: GONE }));
      };
    });
    return this.opening;
  }
}
