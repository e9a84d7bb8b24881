/** The devices of a cgroup v2, as native/exec/op-device-filter.c does it: an eBPF program that is asked at every open and mknod. */
import type { OpOf } from "../../op.ts";
import { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from "../abi.ts";
import { attachDeviceProgram } from "../cgroup/device-program.ts";
import { close, fileOf } from "../syscall/file.ts";
import { cgroupNodeOf } from "./cgroup-of.ts";
import { openAt } from "./paths.ts";
import type { PlanProcess } from "./plan-process.ts";

const instructionBytes = 8;

export function deviceFilterOp(x: PlanProcess, op: OpOf<"deviceFilter">): number {
  if (op.program.length === 0 || op.program.length % instructionBytes !== 0) {
    x.fail("EINVAL", "program is no whole number of instructions");
  }
  let dir: number;
  try {
    dir = openAt(x, undefined, op.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (thrown) {
    return x.failedPath(thrown, "path", op.path);
  }
  try {
    const { point } = fileOf(x.process, dir);
    const node = point === undefined ? undefined : cgroupNodeOf(point.dentry);
    if (point?.mount.fileSystem.type !== "cgroup2" || node === undefined) {
      return x.failPath("EXDEV", "no cgroup of version 2:", op.path);
    }
    try {
      attachDeviceProgram(node, op.program);
    } catch (thrown) {
      x.failed(thrown, "program");
    }
    return 0;
  } finally {
    close(x.process, dir);
  }
}
