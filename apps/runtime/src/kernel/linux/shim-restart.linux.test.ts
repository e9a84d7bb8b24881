import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { context, eventually, logLines, ShimBed } from "./shim-test-bed.ts";

let bed: ShimBed;

beforeAll(() => {
  bed = new ShimBed();
});
afterAll(() => bed.remove());

function isAlive(pid: number): boolean {
  return (
    existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  );
}

function sleeps(seconds: string): number {
  return readdirSync("/proc").filter((name) => {
    try {
      return (
        /^\d+$/.test(name) &&
        readFileSync(`/proc/${name}/cmdline`, "utf8") === `sleep\0${seconds}\0`
      );
    } catch {
      return false;
    }
  }).length;
}

describe("the daemon is killed with SIGKILL", () => {
  test("containers and logs go on, exits are known, what was half made can be finished", async () => {
    const directory = bed.newDirectory();
    execFileSync("mkfifo", [join(bed.directory, "fifo")]);
    const script = join(import.meta.dirname, "shim-test-daemon.ts");
    const daemon = spawn(process.execPath, [script, bed.directory, directory], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await Promise.race([once(daemon.stdout, "data"), once(daemon, "exit")]);
    const shimPid = Number(String(line).split(" ")[1]);
    expect(sleeps("4715")).toBe(1);
    daemon.kill("SIGKILL");
    await once(daemon, "exit");
    const before = logLines(bed.log("running.log")).length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(isAlive(shimPid)).toBe(true);
    // Nobody wants its answer any more.
    expect(sleeps("4715")).toBe(0);
    execFileSync("timeout", ["5", "head", "-c", "0", join(bed.directory, "fifo")]);

    const shim = await bed.find("pod", directory);
    if (shim === undefined) throw new Error("no shim");
    expect(shim.pid).toBe(shimPid);
    let containers = await shim.list();
    await eventually(() => {
      void shim.list().then((listed) => {
        containers = listed;
      });
      return containers.length === 4;
    }, "the half-made container");
    const states = new Map(containers.map((container) => [container.containerId, container]));
    expect(states.get("running")?.state).toBe("running");
    expect(states.get("created")?.state).toBe("created");
    expect(states.get("half-made")?.state).toBe("created");
    expect(states.get("ends-later")).toMatchObject({ state: "exited", exit: { exitCode: 7 } });
    expect(await shim.wait("ends-later")).toMatchObject({ exitCode: 7, oomKilled: false });
    await shim.start(context, "created");
    await shim.start(context, "half-made");
    expect((await shim.wait("created")).exitCode).toBe(8);
    expect((await shim.wait("half-made")).exitCode).toBe(9);
    const lines = logLines(bed.log("running.log")).map(({ content }) => content);
    expect(lines.length).toBeGreaterThan(before + 20);
    expect(lines).toEqual(lines.map((_, i) => `line ${i}`));
    await shim.shutdown();
    await eventually(() => !isAlive(shimPid), "the end of the shim");
    expect(existsSync(join(directory, "s"))).toBe(false);
  });

  test("several daemons at once hear of the same exits", async () => {
    const directory = bed.newDirectory();
    const first = await bed.start("both", directory);
    const second = await bed.find("both", directory);
    bed.exits.length = 0;
    await bed.run(first, "shared", ["sh", "-c", "exit 6"]);
    expect((await second?.wait("shared"))?.exitCode).toBe(6);
    expect((await first.wait("shared")).exitCode).toBe(6);
    expect(bed.exits).toEqual(["shared 6", "shared 6"]);
    await second?.remove("shared");
    expect(await first.list()).toEqual([]);
  });
});

describe("the shim is killed", () => {
  test("what was asked rejects, waiting rejects, the loss is told once", async () => {
    const directory = bed.newDirectory();
    const shim = await bed.start("lost", directory);
    const { pid } = await bed.run(shim, "c", ["sleep", "1000"]);
    const waiting = shim.wait("c").catch((error: unknown) => error);
    const [target] = await shim.list();
    if (target === undefined) throw new Error("no container");
    const plan = bed.execPlan(target, ["sleep", "4716"]);
    const running = shim
      .exec(context, "c", plan, { stdoutBytesMax: 0, stderrBytesMax: 0, timeoutMs: 0, drainMs: 0 })
      .catch((error: unknown) => error);
    await eventually(() => sleeps("4716") === 1, "the command");
    process.kill(shim.pid, "SIGKILL");
    expect(await waiting).toMatchObject({ op: "shim", errno: "ECONNRESET" });
    expect(await running).toMatchObject({ op: "shim", errno: "ECONNRESET" });
    await expect(shim.list()).rejects.toMatchObject({ op: "shim" });
    expect(bed.lost).toEqual(["lost"]);
    expect(await bed.find("lost", directory)).toBeUndefined();
    // The container itself lives on, which is for the engine to end by its cgroup; here by its pid.
    process.kill(pid, "SIGKILL");
    await eventually(() => sleeps("4716") === 0, "the end of the command");
  });
});

describe("starting and finding", () => {
  test("a shim has no descriptor of the daemon, a session of its own, and a socket for root alone", async () => {
    const directory = bed.newDirectory();
    const shim = await bed.start("clean", directory);
    const links = readdirSync(`/proc/${shim.pid}/fd`).map((fd) =>
      readlinkSync(`/proc/${shim.pid}/fd/${fd}`),
    );
    const odd = links.filter(
      (link) =>
        !/^(\/dev\/null|\/memfd:vitrine|socket:|anon_inode:\[(eventpoll|signalfd)\])/.test(link),
    );
    expect(odd).toEqual([]);
    expect(links.filter((link) => link.startsWith("socket:"))).toHaveLength(2);
    const stat = readFileSync(`/proc/${shim.pid}/stat`, "utf8").split(") ")[1]?.split(" ");
    expect(Number(stat?.[3])).toBe(shim.pid);
    expect(execFileSync("stat", ["-c", "%a %U", join(directory, "s")], { encoding: "utf8" })).toBe(
      "600 root\n",
    );
    expect(readlinkSync(`/proc/${shim.pid}/cwd`)).toBe(directory);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(shim.pid, signal);
    expect(await shim.list()).toEqual([]);
  });

  test("nobody there; a stale socket; a directory of a long name; another pod's shim", async () => {
    const long = bed.newDirectory("d".repeat(120));
    expect(await bed.find("long", long)).toBeUndefined();
    const shim = await bed.start("long", long);
    const found = await bed.find("long", long);
    expect(found?.pid).toBe(shim.pid);
    await expect(bed.find("other", long)).rejects.toMatchObject({ errno: "EEXIST", op: "shim" });
    await expect(bed.start("long", long)).rejects.toThrow(
      /cannot start: vitrine-shim: socket s.*exists/i,
    );
    process.kill(shim.pid, "SIGKILL");
    await eventually(() => !isAlive(shim.pid), "its end");
    expect(await bed.find("long", long)).toBeUndefined();
  });

  test("a directory that is not there, an id that is none", async () => {
    await expect(bed.start("x", "/no/such/directory")).rejects.toMatchObject({ errno: "ENOENT" });
    await expect(bed.start("../x")).rejects.toThrow(/usage/);
    expect(bed.lost).not.toContain("../x");
  });

  test("without container and connection it ends by itself, and takes its socket along", async () => {
    const directory = bed.newDirectory();
    const native = join(import.meta.dirname, "../../../../../native/build/vitrine-shim");
    // A short idle time; 3 is no socket, so this one starts without a connection.
    const shim = spawn(native, ["idle", "3", "300"], {
      cwd: directory,
      stdio: ["ignore", "ignore", "inherit", "ignore"],
    });
    await eventually(() => existsSync(join(directory, "s")), "the socket");
    const connected = await bed.find("idle", directory);
    if (connected === undefined) throw new Error("no shim");
    await bed.run(connected, "c", ["sleep", "1000"]);
    connected.disconnect();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(shim.exitCode).toBeNull();
    const again = await bed.find("idle", directory);
    await again?.remove("c");
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(shim.exitCode).toBeNull();
    const start = performance.now();
    const ended = once(shim, "exit");
    again?.disconnect();
    expect(await ended).toEqual([0, null]);
    expect(performance.now() - start).toBeGreaterThan(250);
    expect(existsSync(join(directory, "s"))).toBe(false);
  });
});
