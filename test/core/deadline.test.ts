import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../../src/core/clock.ts";
import { deadline, orAbort } from "../../src/core/deadline.ts";

describe("deadline", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("ends with a timeout that names the work", () => {
    using limit = deadline({}, 1000, "the greeter");
    const { signal } = limit;
    vi.advanceTimersByTime(999);
    limit.check();
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(signal.reason).toMatchObject({ code: "timeout", message: "the greeter did not answer within 1000 ms" });
    expect(() => limit.check()).toThrow(signal.reason);
  });

  it("counts from its beginning, whenever the signal is asked for", () => {
    using limit = deadline({ timeoutMs: 1000 }, 5000, "work");
    vi.advanceTimersByTime(900);
    const { signal } = limit;
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(100);
    expect(signal.aborted).toBe(true);
  });

  it("needs no signal to know that its time is over", () => {
    using limit = deadline({}, 1000, "work");
    vi.advanceTimersByTime(1000);
    expect(() => limit.check()).toThrow("did not answer within 1000 ms");
    expect(limit.signal.aborted).toBe(true);
  });

  it("is over once its timer said so, though that was early by the clock", async () => {
    vi.spyOn(performance, "now").mockReturnValue(5000);
    using limit = deadline({}, 1000, "work");
    const racing = limit.race(new Promise<never>(() => {})).catch((error: unknown) => error);
    vi.advanceTimersByTime(1000);
    const reason = await racing;
    expect(reason).toMatchObject({ code: "timeout" });
    expect(() => limit.check()).toThrow(reason as Error);
    expect(limit.signal.reason).toBe(reason);
    vi.restoreAllMocks();
  });

  it("has no limit at 0", () => {
    using limit = deadline({ timeoutMs: 0 }, 1000, "work");
    vi.advanceTimersByTime(1_000_000);
    limit.check();
    expect(limit.signal.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("lasts longer than one of Node's timers can", () => {
    const ms = 2 ** 31 + 1000;
    using limit = deadline({ timeoutMs: ms }, 1000, "work");
    const { signal } = limit;
    vi.advanceTimersByTime(ms - 1);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(signal.aborted).toBe(true);
  });

  it.each(["before the signal is asked for", "after"])("ends when the caller's signal does, %s", (when) => {
    const caller = new AbortController();
    using limit = deadline({ signal: caller.signal }, 1000, "work");
    if (when === "after") expect(limit.signal.aborted).toBe(false);
    caller.abort();
    expect(() => limit.check()).toThrow("work: cancelled");
    expect(limit.signal.reason).toMatchObject({ code: "cancelled" });
  });

  it.each(["before the signal is asked for", "after"])("can be cancelled, %s", (when) => {
    using limit = deadline({}, 1000, "work");
    if (when === "after") expect(limit.signal.aborted).toBe(false);
    limit.cancel();
    expect(() => limit.check()).toThrow("work: cancelled");
    expect(limit.signal.reason).toMatchObject({ code: "cancelled" });
  });

  it("leaves no timer and no listener, not even when its signal is asked for too late", () => {
    const caller = new AbortController();
    const limit = deadline({ signal: caller.signal }, 1000, "work");
    expect(limit.signal.aborted).toBe(false);
    expect(getEventListeners(caller.signal, "abort")).toHaveLength(1);
    limit[Symbol.dispose]();
    const late = deadline({ signal: caller.signal }, 1000, "work");
    late[Symbol.dispose]();
    expect(late.signal.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(caller.signal, "abort")).toHaveLength(0);
  });
});

describe("the clock on the wall", () => {
  it("sleeps longer than one of Node's timers can, and leaves nothing when it is woken", async () => {
    vi.useFakeTimers();
    try {
      const ms = 2 ** 31 + 1000;
      let awake = false;
      const slept = systemClock.sleep(ms).then(() => {
        awake = true;
      });
      await vi.advanceTimersByTimeAsync(ms - 1);
      expect(awake).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      await slept;
      const waking = new AbortController();
      const woken = systemClock.sleep(ms, { signal: waking.signal });
      await vi.advanceTimersByTimeAsync(2 ** 31);
      waking.abort();
      await expect(woken).rejects.toMatchObject({ code: "cancelled" });
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("orAbort", () => {
  it("gives what the promise gives and forgets the signal", async () => {
    const { signal } = new AbortController();
    await expect(orAbort(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(orAbort(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  it("rejects as soon as the signal aborts, and at once when it has", async () => {
    using limit = deadline({}, 0, "work");
    const never = orAbort(new Promise(() => {}), limit.signal);
    limit.cancel();
    await expect(never).rejects.toMatchObject({ code: "cancelled" });
    await expect(orAbort(Promise.reject(new Error("late")), limit.signal)).rejects.toMatchObject({ code: "cancelled" });
  });
});
