import { describe, expect, it, vi } from "vitest";
import { News } from "../src/state/news";

describe("news", () => {
  it("reach a listener of several topics once a telling", () => {
    const news = new News<"a" | "b">();
    const listener = vi.fn();
    news.on(["a", "b"], listener);
    news.tell("a", "b");
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("that were told before are caught up with by who comes later, and by nobody else", () => {
    const news = new News<"a">();
    const [early, late] = [vi.fn(), vi.fn()];
    news.on("a", early);
    expect(news.catchUp(() => (news.on("a", late), 7))).toBe(7);
    expect([early.mock.calls.length, late.mock.calls.length]).toEqual([0, 1]);
    news.tell("a");
    expect([early.mock.calls.length, late.mock.calls.length]).toEqual([1, 2]);
  });
});
