/** The interpreter answers as the rules say that a program was compiled from. */
import { expect, test } from "vitest";
import { deviceProgram } from "../../../oci/device-program.ts";
import { bootShell } from "../fs/fixture/host-shell.ts";
import { attachDeviceProgram, programsAllow, runDeviceProgram } from "./device-program.ts";

const rules = [
  { allow: false, type: "a", access: "rwm" },
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
  { allow: true, type: "c", major: 136, access: "rw" },
  { allow: false, type: "c", major: 136, minor: 9, access: "w" },
] as const;

test.each([
  ["char", 1, 3, "rw", true],
  ["char", 1, 5, "r", false],
  ["char", 1, 5, "m", true],
  ["block", 8, 0, "m", false],
  ["char", 136, 0, "rw", true],
  ["char", 136, 0, "rwm", false],
  ["char", 136, 9, "r", true],
  ["char", 136, 9, "rw", false],
] as const)("%s %i:%i %s", (type, major, minor, access, allowed) => {
  const shell = bootShell({ cgroups: "v2" });
  shell.mkdir("/sys/fs/cgroup/a");
  const node = shell.machine.hierarchies[0]?.root.children.get("a");
  const program = deviceProgram(rules);
  if (node === undefined || program === undefined) throw new Error("no node or no program");
  attachDeviceProgram(node, program);
  expect(programsAllow(node, type, major, minor, access)).toBe(allowed);
});

test("a program that says nothing sensible allows nothing", () => {
  expect(runDeviceProgram(new Uint8Array(8).fill(0xff), [0, 0, 0])).toBe(0n);
});
