import { describe, expect, it } from "vitest";
import type { Context } from "../trace/tracer.ts";
import { KeyedLocks } from "./keyed-locks.ts";

const tracer: Context["tracer"] = {
  start: () => {
    throw new Error("no span is wanted here");
  },
};
const context: Context = { tracer, span: undefined, signal: undefined };

describe("keyed locks", () => {
  it("runs works of one key one after the other, first come first served", async () => {
    const locks = new KeyedLocks();
    const order: string[] = [];
    const work = (name: string) => async (): Promise<void> => {
      order.push(`${name} begins`);
      await Promise.resolve();
      await Promise.resolve();
      order.push(`${name} ends`);
    };
    await Promise.all(["a", "b", "c"].map((name) => locks.run(context, "key", work(name))));
    expect(order).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
    expect(locks.size).toBe(0);
  });

  it("lets works of different keys run at once, and survives a work that throws", async () => {
    const locks = new KeyedLocks();
    let release: () => void = () => {};
    const held = locks.run(context, "a", () => new Promise<void>((resolve) => (release = resolve)));
    await expect(
      locks.run(context, "b", () => Promise.reject(new Error("broken"))),
    ).rejects.toThrow("broken");
    expect(await locks.run(context, "b", () => 1)).toBe(1);
    release();
    await held;
    expect(locks.size).toBe(0);
  });

  it("does not begin when the caller gave up while it waited", async () => {
    const locks = new KeyedLocks();
    let release: () => void = () => {};
    const held = locks.run(context, "a", () => new Promise<void>((resolve) => (release = resolve)));
    const controller = new AbortController();
    let begun = false;
    const waiting = locks.run({ ...context, signal: controller.signal }, "a", () => {
      begun = true;
    });
    controller.abort();
    release();
    await held;
    await expect(waiting).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(begun).toBe(false);
  });
});
