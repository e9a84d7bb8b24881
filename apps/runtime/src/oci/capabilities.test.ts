import { describe, expect, it } from "vitest";
import {
  capabilityNames,
  capabilityNumber,
  defaultCapabilities,
  resolveCapabilities,
} from "./capabilities.ts";

function resolve(add: string[], drop: string[], available: readonly string[] = capabilityNames) {
  const capabilities = { addCapabilities: add, dropCapabilities: drop, addAmbientCapabilities: [] };
  return resolveCapabilities({ privileged: false, capabilities, available });
}

describe("capabilities", () => {
  it("have Linux's numbers", () => {
    expect(capabilityNumber("CAP_CHOWN")).toBe(0);
    expect(capabilityNumber("CAP_SYS_ADMIN")).toBe(21);
    expect(capabilityNumber("CAP_MKNOD")).toBe(27);
    expect(capabilityNumber("CAP_CHECKPOINT_RESTORE")).toBe(40);
    expect(capabilityNumber("CAP_NONSENSE")).toBeUndefined();
  });

  it("are fourteen by default", () => {
    expect(resolve([], []).capabilities).toHaveLength(14);
    expect([...resolve([], []).capabilities].sort()).toEqual([...defaultCapabilities].sort());
  });

  it.each([
    [["NET_ADMIN"], [], 15],
    [["cap_net_admin", "NET_ADMIN"], [], 15],
    [[], ["MKNOD", "CAP_NET_RAW"], 12],
    [["ALL"], [], 41],
    [["ALL"], ["CHOWN"], 40],
    [[], ["ALL"], 0],
    [["NET_ADMIN"], ["ALL"], 1],
    [["ALL"], ["ALL"], 0],
    [["KILL"], ["KILL"], 13],
  ])("add %j drop %j leaves %i", (add, drop, count) => {
    expect(resolve(add, drop).capabilities).toHaveLength(count);
  });

  it("are never more than the runtime's own", () => {
    const available = ["CAP_CHOWN", "CAP_KILL"];
    expect(resolve(["ALL"], [], available).capabilities).toEqual(["CAP_CHOWN", "CAP_KILL"]);
    expect(resolve(["SYS_RESOURCE"], [], available)).toEqual({
      capabilities: ["CAP_CHOWN", "CAP_KILL"],
      warnings: [
        "capability CAP_SYS_RESOURCE was asked for, but the runtime has not got it itself",
      ],
    });
    const all = { privileged: true, capabilities: undefined, available };
    expect(resolveCapabilities(all).capabilities).toEqual(available);
  });

  it("that Linux does not know are refused", () => {
    expect(() => resolve(["FLY"], [])).toThrow(/unknown capability "FLY"/);
    expect(() => resolve([], ["CAP_"])).toThrow("unknown capability");
  });
});
