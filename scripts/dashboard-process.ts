/** The page as a process of its own: started, awaited, and the address it prints. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { repository } from "./prepare.ts";

export interface Dashboard {
  readonly url: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

export interface DashboardOptions {
  readonly port: number;
  /** Unset shows recordings only. */
  readonly traceSocket?: string;
  /** Begins with the simulated kernel. */
  readonly simulated?: boolean;
}

/** Resolves once the page answers; rejects with what the process said when it does not. */
export function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const args = [join(repository, "apps/web/server.ts"), "--port", String(options.port)];
  args.push("--end-with-stdin");
  if (options.traceSocket !== undefined) args.push("--trace-socket", options.traceSocket);
  if (options.simulated === true) args.push("--simulated");
  // A group of its own: Ctrl-C in a terminal goes to whoever takes it down in the right order.
  const child = spawn(process.execPath, args, {
    // Nothing is ever written to standard input: that it closes tells the page of our end.
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4096);
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      const taken = said.includes("EADDRINUSE");
      const why = taken
        ? `port ${options.port} of 127.0.0.1 is taken; choose another with --port, or none for any free one`
        : `the page ended with ${code}:\n${said.trim()}`;
      reject(new Error(why));
    });
    createInterface({ input: child.stdout }).on("line", (line) => {
      const message = JSON.parse(line) as { event: string; url: string };
      if (message.event === "ready") resolve({ url: message.url, process: child, stop });
    });
  });
}
