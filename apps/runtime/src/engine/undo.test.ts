import { describe, expect, it } from "vitest";
import { RuntimeError } from "../kernel/errors.ts";
import type { Context } from "../trace/tracer.ts";
import { together, Undo, withUndo } from "./undo.ts";

const noTracer: Context["tracer"] = {
  start: () => {
    throw new Error("no span is wanted here");
  },
};
const context: Context = { tracer: noTracer, span: undefined, signal: undefined };

describe("undo", () => {
  it("does nothing when the work succeeds", async () => {
    const undone: string[] = [];
    const result = await withUndo(context, async (undo) => {
      undo.defer("a", () => undone.push("a"));
      return 7;
    });
    expect(result).toBe(7);
    expect(undone).toEqual([]);
  });

  it("undoes in reverse order and throws the error of the work", async () => {
    const undone: string[] = [];
    const error = new RuntimeError("NOT_FOUND", "no image");
    const failing = withUndo(context, async (undo) => {
      undo.defer("a", () => undone.push("a"));
      undo.defer("b", async () => undone.push("b"));
      throw error;
    });
    await expect(failing).rejects.toBe(error);
    expect(undone).toEqual(["b", "a"]);
  });

  it("goes on past a failed undo, tells the later ones and the caller", async () => {
    let seen: readonly string[] = [];
    const failing = withUndo(context, async (undo) => {
      undo.defer("the record", (_context, failures) => {
        seen = failures.map(({ what }) => what);
      });
      undo.defer("the mount", () => Promise.reject(new Error("busy")));
      throw new RuntimeError("UNAVAILABLE", "no shim");
    });
    await expect(failing).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: "no shim (and could not undo the mount: busy)",
    });
    expect(seen).toEqual(["the mount"]);
  });

  it("runs undos without the deadline that may have caused the failure", async () => {
    const controller = new AbortController();
    controller.abort();
    const undo = new Undo();
    let signal: AbortSignal | undefined = controller.signal;
    undo.defer("a", (undoContext) => {
      signal = undoContext.signal as AbortSignal | undefined;
    });
    await undo.rollback({ ...context, signal: controller.signal });
    expect(signal).toBeUndefined();
  });

  it("waits for every concurrent work before it fails", async () => {
    let slowEnded = false;
    const slow = new Promise<void>((resolve) => queueMicrotask(() => queueMicrotask(resolve))).then(
      () => {
        slowEnded = true;
      },
    );
    await expect(together([Promise.reject(new Error("first")), slow])).rejects.toThrow("first");
    expect(slowEnded).toBe(true);
  });
});
