import { describe, expect, it, vi } from "vitest";
import { Refusal } from "../src/backend/backend";
import { BakedBackend, canonical } from "../src/backend/baked";
import { type Model, NotebookBackend } from "../src/backend/notebook";
import { Pending } from "../src/backend/pending";
import { decode } from "../src/backend/message";
import { packed } from "./packed";

describe("requests under way", () => {
  it("get each its own answer, in whichever order they come", async () => {
    const sent: { id: number }[] = [];
    const pending = new Pending();
    const first = pending.ask((message) => sent.push(message as { id: number }), "hello", {});
    const second = pending.ask((message) => sent.push(message as { id: number }), "function", { fun: "x" });
    pending.settle(decode(packed({ id: sent[1]?.id, result: "second" }, [])));
    pending.settle(decode(packed({ id: sent[0]?.id, result: "first" }, [])));
    expect(await first).toBe("first");
    expect(await second).toBe("second");
  });

  it("are cancelled in Python too, and a late answer is dropped", async () => {
    const sent: object[] = [];
    const pending = new Pending();
    const abort = new AbortController();
    const asked = pending.ask((message) => sent.push(message), "fan", {}, { signal: abort.signal });
    abort.abort();
    await expect(asked).rejects.toMatchObject({ kind: "cancelled" });
    expect(sent).toEqual([{ id: 1, method: "fan", params: {} }, { cancel: 1 }]);
    pending.settle(decode(packed({ id: 1, result: 0 }, [])));
  });

  it("fail with words when the connection is lost", async () => {
    const pending = new Pending();
    const asked = pending.ask(() => undefined, "hello", {});
    pending.failAll("gone");
    await expect(asked).rejects.toMatchObject({ kind: "connection", message: "gone" });
  });
});

describe("a refusal", () => {
  it("has no column where Python tells none", () => {
    const complaint = { kind: "formula", message: "has no variable, such as x", column: null, parameter: null };
    expect(new Refusal(complaint)).toMatchObject({ column: undefined, parameter: undefined });
  });
});

describe("a notebook's messages", () => {
  it("carry numbers also at an address that is no multiple of eight", async () => {
    let hear: (head: object, buffers: DataView[]) => void = () => undefined;
    const send = vi.fn();
    const model = {
      get: () => null,
      send,
      on: (_: string, listener: typeof hear) => (hear = listener),
      off: () => undefined,
    };
    const backend = new NotebookBackend(model as unknown as Model);
    const asked = backend.call("surface", { fun: "x" });
    const bytes = new Uint8Array(3 + 16);
    new DataView(bytes.buffer).setFloat64(3, 0.5, true);
    new DataView(bytes.buffer).setFloat64(11, -2, true);
    hear({ id: send.mock.calls[0]?.[0].id, result: { z: { $array: [0, 2] } } }, [new DataView(bytes.buffer, 3, 16)]);
    const { z } = (await asked) as { z: { data: Float64Array } };
    expect([...z.data]).toEqual([0.5, -2]);
  });
});

describe("an exported page", () => {
  it("finds an answer whatever the order of the keys, and the spelling of numbers", async () => {
    expect(canonical({ b: [1.0, 2], a: { d: 1e-7, c: null } })).toBe('{"a":{"c":null,"d":1e-7},"b":[1,2]}');
    const numbers = btoa(String.fromCharCode(...new Uint8Array(Float64Array.of(1.5).buffer)));
    const params = JSON.parse('{"fun": "x", "rate": 1.0}') as object;
    const backend = new BakedBackend([{ method: "run", params, head: { loss: { $array: [0, 1] } }, numbers }]);
    const { loss } = (await backend.call("run", { rate: 1, fun: "x" })) as { loss: { data: Float64Array } };
    expect([...loss.data]).toEqual([1.5]);
  });

  it("says that it cannot compute what it does not hold", async () => {
    await expect(new BakedBackend([]).call("run", {})).rejects.toMatchObject({ kind: "not_baked" });
  });
});
