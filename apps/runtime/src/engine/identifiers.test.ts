import { describe, expect, it } from "vitest";
import { containerNameOf, fromHex, newId, podNameOf, resolveId, toHex } from "./identifiers.ts";

describe("identifiers", () => {
  it("makes ids of 64 hex digits out of the world's randomness", () => {
    const id = newId({ bytes: (count) => new Uint8Array(count).fill(10) });
    expect(id).toBe("0a".repeat(32));
  });

  it("names pods and containers as containerd does", () => {
    const pod = { name: "web", namespace: "default", uid: "u-1", attempt: 2 };
    expect(podNameOf(pod)).toBe("web_default_u-1_2");
    expect(containerNameOf({ name: "nginx", attempt: 3 }, pod)).toBe("nginx_web_default_u-1_3");
  });

  it("turns bytes to hex and back", () => {
    const bytes = new Uint8Array([0, 1, 127, 128, 255]);
    expect(toHex(bytes)).toBe("00017f80ff");
    expect(fromHex("00017f80ff")).toEqual(bytes);
  });

  it("takes a whole id for itself even when it is the beginning of another", () => {
    expect(resolveId(["abcd", "abc"], "abc")).toBe("abc");
  });
});
