import { describe, expect, it } from "vitest";
import type { ContainerExit } from "../../kernel/kernel.ts";
import { endOfExit, endOfFailedStart, endUnseen, endWithShim } from "./container-end.ts";

const exit: ContainerExit = {
  containerId: "c",
  pid: 7,
  exitCode: 0,
  oomKilled: false,
  atNs: 2000n,
};

describe("how a container ended", () => {
  it.each([
    { exitCode: 0, oomKilled: false, reason: "Completed" },
    { exitCode: 1, oomKilled: false, reason: "Error" },
    { exitCode: 137, oomKilled: false, reason: "Error" },
    { exitCode: 137, oomKilled: true, reason: "OOMKilled" },
    // A child was killed for memory, and init went on to end by itself.
    { exitCode: 0, oomKilled: true, reason: "Completed" },
    { exitCode: 3, oomKilled: true, reason: "Error" },
  ])("is $reason for exit code $exitCode, oom $oomKilled", ({ exitCode, oomKilled, reason }) => {
    expect(endOfExit({ ...exit, exitCode, oomKilled }, "1000")).toMatchObject({ exitCode, reason });
  });

  it("never ends before it started, even when the clock was set back", () => {
    expect(endOfExit(exit, "5000").finishedAtNs).toBe("5000");
    expect(endUnseen(10n, "20", "x").finishedAtNs).toBe("20");
    expect(endOfExit(exit, "1000").finishedAtNs).toBe("2000");
  });

  it("invents no exit code for an end that nobody saw", () => {
    expect(endUnseen(1n, "0", "why")).toMatchObject({
      exitCode: 255,
      reason: "Unknown",
      message: "why",
    });
    expect(endWithShim(1n, "0")).toMatchObject({ exitCode: 255, reason: "ShimDied" });
  });

  it("is 128 StartError for a command that never ran", () => {
    expect(endOfFailedStart(9n, "command not found")).toEqual({
      exitCode: 128,
      reason: "StartError",
      message: "command not found",
      finishedAtNs: "9",
    });
  });
});
