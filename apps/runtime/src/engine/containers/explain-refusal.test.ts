import { describe, expect, it } from "vitest";
import { KernelError, RuntimeError } from "../../kernel/errors.ts";
import type { OpName } from "../../kernel/op.ts";
import { explainRefusal } from "./explain-refusal.ts";

function refusal(op: OpName, errno: string, detail = ""): KernelError {
  return new KernelError({
    errno,
    op,
    process: "init",
    index: 0,
    detail,
    message: `${op} ${detail}: ${errno}`,
  });
}

const process = { args: ["nosuch", "-x"], cwd: "/etc/passwd" };

describe("refusals of the kernel", () => {
  it("names the command", () => {
    const error = explainRefusal(refusal("execve", "ENOENT"), "start container", process);
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toBe('start container: exec "nosuch": command not found');
    expect(explainRefusal(refusal("execve", "EACCES"), "exec", process).message).toContain(
      'exec "nosuch": permission denied',
    );
    expect(explainRefusal(refusal("execve", "EIO"), "exec", process).code).toBe("INTERNAL");
  });

  it("names the working directory", () => {
    const error = explainRefusal(refusal("chdir", "ENOTDIR"), "create container", process);
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.message).toBe(
      'create container: working directory "/etc/passwd": not a directory',
    );
  });

  it("names a working directory that cannot be made, and no other directory as it", () => {
    const made = refusal("mkdir", "ELOOP", 'no directory: "/etc/passwd"');
    expect(explainRefusal(made, "create container", process).message).toMatch(
      /working directory "\/etc\/passwd": too many symbolic links/,
    );
    const other = refusal("mkdir", "ELOOP", 'no directory: "/mnt"');
    expect(explainRefusal(other, "create container", process).message).not.toContain("working");
  });

  it("names the log file, and the limit of a cgroup", () => {
    const log = new KernelError({ errno: "ELOOP", op: "shim", detail: "log file", message: "x" });
    expect(explainRefusal(log, "create container", { logPath: "/logs/0.log" })).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: 'create container: log file "/logs/0.log": it is a symbolic link',
    });
    const path = "/sys/fs/cgroup/memory/pod/memory.limit_in_bytes";
    expect(explainRefusal(refusal("writeFile", "EBUSY", `write to "${path}"`), "x")).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: "x: memory.limit_in_bytes: more than that is in use",
    });
    expect(explainRefusal(refusal("writeFile", "EIO", `write to "${path}"`), "x").code).toBe(
      "INTERNAL",
    );
  });

  it("blames a path of the request on the client, a full disk on nobody, the rest on us", () => {
    expect(explainRefusal(refusal("openTree", "ENOENT"), "x").code).toBe("INVALID_ARGUMENT");
    expect(explainRefusal(refusal("writeFile", "ENOSPC"), "x").code).toBe("RESOURCE_EXHAUSTED");
    expect(explainRefusal(refusal("clone3", "EPERM"), "x").code).toBe("INTERNAL");
    expect(explainRefusal(new Error("boom"), "x")).toMatchObject({
      code: "INTERNAL",
      message: "x: boom",
    });
  });

  it("leaves an error alone that has a code already", () => {
    const error = new RuntimeError("NOT_FOUND", "no image");
    expect(explainRefusal(error, "x")).toBe(error);
  });
});
