/** AppArmor as files: which profiles are loaded, and the one for the next execve (apparmor(7)). */
import { expect, test } from "vitest";
import { bootShell } from "./fixture/host-shell.ts";

test("profiles are listed; only one that is loaded can be asked for, and only for oneself", () => {
  const shell = bootShell();
  const listed = shell.read("/sys/kernel/security/apparmor/profiles");
  const [profile = ""] = listed.split(" ");
  expect(listed).toMatch(/ \(enforce\)\n/);
  expect(shell.read("/sys/module/apparmor/parameters/enabled")).toBe("Y\n");
  const process = shell.spawn();
  const inside = shell.as(process);
  const file = "/proc/thread-self/attr/apparmor/exec";
  expect(inside.read("/proc/self/attr/current")).toBe("unconfined\n");
  expect(inside.write(file, `exec ${profile}`)).toBe("");
  expect(inside.read(file)).toBe(`${profile} (enforce)\n`);
  expect(inside.write(file, "exec no-such-profile")).toBe("ENOENT");
  expect(inside.write(file, profile)).toBe("EINVAL");
  expect(shell.write(`/proc/${process.pid}/attr/exec`, `exec ${profile}`)).toBe("EACCES");
});

test("without AppArmor the files say EINVAL", () => {
  const shell = bootShell();
  shell.machine.confine = undefined;
  expect(shell.read("/proc/self/attr/current")).toBe("EINVAL");
  expect(shell.write("/proc/self/attr/exec", "exec x")).toBe("EINVAL");
  expect(shell.read("/proc/self/attr/apparmor/current")).toBe("ENOENT");
  expect(shell.read("/sys/kernel/security/apparmor/profiles")).toBe("ENOENT");
});
