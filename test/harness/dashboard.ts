/** The dashboard as a process of its own, the way `npm start` runs it. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";

const repository = join(import.meta.dirname, "../..");

export interface Dashboard {
  /** With the token: what the starter prints. */
  readonly url: string;
  readonly origin: string;
  readonly port: number;
  readonly token: string;
  readonly pid: number;
  /** Everything it said on standard error. */
  readonly complaints: () => string;
  readonly stop: () => Promise<number | null>;
}

interface Ready {
  readonly event: "ready";
  readonly url: string;
  readonly port: number;
}

function firstLine(child: ChildProcess, complaints: () => string): Promise<Ready> {
  return new Promise((resolve, reject) => {
    if (!child.stdout) throw new Error("no standard output");
    createInterface({ input: child.stdout }).once("line", (line) => {
      resolve(JSON.parse(line) as Ready);
    });
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${complaints()}`)));
  });
}

/** Starts it with `args` and waits for its ready line, which must be the first thing it says. */
export async function startDashboard(args: readonly string[]): Promise<Dashboard> {
  const server = join(repository, "apps/web/server.ts");
  const child = spawn(process.execPath, [server, ...args], {
    cwd: repository,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    said += chunk;
  });
  const { url, port } = await firstLine(child, () => said);
  return {
    url,
    port,
    origin: `http://127.0.0.1:${port}`,
    token: new URL(url).searchParams.get("token") ?? "",
    pid: child.pid ?? 0,
    complaints: () => said,
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) resolve(child.exitCode);
        child.once("exit", (code) => resolve(code));
        child.kill("SIGTERM");
      }),
  };
}
