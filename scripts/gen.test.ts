import { expect, test } from "vitest";
import { fieldName } from "../apps/runtime/src/api/field-name.ts";
import { generate, staleFiles } from "./gen.ts";

test("the generated types are those of proto/", () => {
  expect(staleFiles()).toEqual([]);
});

test("every kind of field has its TypeScript form", () => {
  const config = generate().get("config.ts") ?? "";
  expect(config).toContain("readonly cdiDevices: readonly CDIDevice[];");
  expect(config).toContain("readonly sysctls: Readonly<Record<string, string>>;");
  expect(config).toContain("readonly linux?: LinuxContainerConfig | undefined;");
  expect(config).toContain("readonly stopSignal: Signal;");
  expect(generate().get("value.ts")).toContain("readonly value: Uint8Array;");
});

test.each([
  ["CDI_devices", "cdiDevices"],
  ["uidMappings", "uidMappings"],
  ["Avg300", "avg300"],
  ["pod_sandbox_id", "podSandboxId"],
])("%s becomes %s", (name, expected) => {
  expect(fieldName(name)).toBe(expected);
});
