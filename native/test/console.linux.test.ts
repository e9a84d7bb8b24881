/** A container with a terminal: the slave is its stdio and /dev/console, the master goes to the shim. */
import { readFileSync } from "node:fs";
import { createServer, type Server, Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { containerPlan } from "./container-plan.ts";
import { reportOf, runPlan, TestRoot } from "./harness.ts";

let root: TestRoot;
let server: Server;
let receiver: Promise<Socket>;

beforeEach(async () => {
  root = new TestRoot();
  // Nobody reads before the end: a master that lies in the socket is one that is still open.
  server = createServer({ pauseOnConnect: true });
  receiver = new Promise((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(root.path("console"), resolve));
});

afterEach(() => {
  server.close();
  root.remove();
});

/** A connected unix socket and its file descriptor, which Node has but does not type. */
async function connected(): Promise<{ readonly socket: Socket; readonly fd: number }> {
  const socket = new Socket();
  await new Promise<void>((resolve) => socket.connect(root.path("console"), resolve));
  const { _handle } = socket as unknown as { readonly _handle: { readonly fd: number } };
  return { socket, fd: _handle.fd };
}

describe("a terminal", () => {
  it("is the controlling terminal of the program, of the size asked for", async () => {
    const { socket, fd } = await connected();
    const plan = containerPlan({
      root: root.root,
      // Output goes to a file: nobody reads the terminal.
      probe: [
        "out",
        "/tmp/out",
        "+",
        "tty",
        "+",
        "fds",
        "+",
        "stat",
        "/dev/console",
        "+",
        "mounts",
      ],
      mounts: [{ op: "console", at: "rootfs", width: 101, height: 37 }],
    });
    const result = await runPlan(plan, { console: fd });
    expect(result.failure).toBeUndefined();
    const lines = readFileSync(root.path("root/tmp/out"), "utf8").split("\n");
    expect(lines).toContain("tty 1 136:0 101x37 1");
    expect(lines.filter((line) => line.startsWith("fd "))).toEqual([
      "fd 0 char",
      "fd 1 file",
      "fd 2 char",
    ]);
    expect(lines.find((line) => line.startsWith("stat /dev/console"))).toMatch(
      / 20\d{3} .* 136:0 /,
    );
    expect(lines.filter((line) => /^mount .* \/dev\/console /.test(line))).toHaveLength(1);
    const other = await receiver;
    const message = new Promise<Buffer>((resolve) => other.once("data", resolve));
    other.resume();
    expect((await message).length).toBe(1);
    other.destroy();
    socket.destroy();
  });

  it("needs somebody to send it to", async () => {
    const plan = containerPlan({
      root: root.root,
      probe: [],
      mounts: [{ op: "console", at: "rootfs", width: 0, height: 0 }],
    });
    const result = await runPlan(plan);
    expect(result.failure).toMatchObject({ op: "console", errno: "EBADF" });
    expect(reportOf(plan, result, "console")?.detail).toContain("console");
  });
});
