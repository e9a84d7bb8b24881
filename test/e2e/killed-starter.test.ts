/** Whoever starts a private daemon may be killed at any moment: a few seconds later nothing is left of it. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { ownResidue } from "../harness/own-residue.ts";

const repository = join(import.meta.dirname, "../..");
const goneTimeoutMs = 10_000;
let started: ChildProcess | undefined;

afterEach(() => {
  started?.kill("SIGKILL");
});

/** A program that starts a daemon with a pod in it and tells where, then waits to be killed. */
const starter = `
  import { join } from "node:path";
  import { runDemoPod } from "${repository}/apps/runtime/src/cli/demo-pod.ts";
  import { startPrivateDaemon } from "${repository}/apps/runtime/src/cli/private-daemon.ts";
  import { oneTraceContext } from "${repository}/apps/runtime/src/cli/silent-context.ts";
  const daemon = await startPrivateDaemon();
  const logDirectory = join(daemon.directory, "logs");
  const told = { name: "demo", uid: "demo", logDirectory, fetches: 0, say: () => {} };
  await runDemoPod(daemon.client, oneTraceContext(), told);
  console.log(JSON.stringify({ directory: daemon.directory, pid: daemon.process.pid }));
`;

function isAlive(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[2] !== "Z";
  } catch {
    return false;
  }
}

/** The first line of what it prints that `pattern` matches. */
function lineOf(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) throw new Error("no standard output");
    const lines: string[] = [];
    createInterface({ input: child.stdout })
      .on("line", (line) => {
        lines.push(line);
        const match = pattern.exec(line);
        if (match !== null) resolve(match);
      })
      .on("close", () => reject(new Error(`ended early:\n${lines.join("\n")}`)));
  });
}

interface Marks {
  readonly directory: string;
  readonly name: string;
}

/** What of a private daemon is on the machine; its bridge and its cgroup have one name. */
function leftOf({ directory, name }: Marks): readonly string[] {
  return [
    ...ownResidue(directory, `/${name}`),
    ...(existsSync(directory) ? [directory] : []),
    ...readdirSync("/sys/class/net").filter((link) => link === name),
    ...readdirSync("/sys/fs/cgroup")
      .map((hierarchy) => join("/sys/fs/cgroup", hierarchy, name))
      .filter((path) => existsSync(path)),
  ];
}

function marksOf(directory: string): Marks {
  const config = readFileSync(join(directory, "config.toml"), "utf8");
  return { directory, name: /cgroup_parent = "\/(.+)"/.exec(config)?.[1] ?? "" };
}

test("a daemon whose starter is killed takes its pods, its bridge and its files along", async () => {
  started = spawn(process.execPath, ["--input-type=module-typescript", "-e", starter], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await lineOf(started, /^\{.*\}$/);
  const { directory, pid } = JSON.parse(line) as { directory: string; pid: number };
  const marks = marksOf(directory);
  expect(leftOf(marks).length).toBeGreaterThan(10);
  started.kill("SIGKILL");
  await expect.poll(() => leftOf(marks), { timeout: goneTimeoutMs }).toEqual([]);
  await expect.poll(() => isAlive(pid), { timeout: goneTimeoutMs }).toBe(false);
});

/** Processes whose command line or environment names the daemon's directory. */
function processesOf(directory: string): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(directory);
    } catch {
      return false;
    }
  });
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
}

test.each(["npm start's first process", "its program"])(
  "npm start leaves nothing when %s is killed",
  async (which) => {
    started = spawn("node", [join(repository, "scripts/bootstrap.mjs"), "start"], {
      cwd: repository,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const socket = await lineOf(started, /unix:\/\/(\S+)\/run\/vitrine\.sock/);
    const marks = marksOf(socket[1] ?? "");
    await lineOf(started, /asks? .*once a second/);
    // The daemon and the page, which knows the daemon's trace socket.
    expect(processesOf(marks.directory).length).toBeGreaterThanOrEqual(2);
    const first = started.pid ?? 0;
    process.kill(which === "its program" ? childOf(first) : first, "SIGKILL");
    const all = () => [...leftOf(marks), ...processesOf(marks.directory)];
    await expect.poll(all, { timeout: goneTimeoutMs }).toEqual([]);
  },
);
