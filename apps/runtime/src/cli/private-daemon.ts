/**
 * A daemon in directories, a cgroup and a bridge of its own: beside whatever else runs on the machine,
 * and gone without a trace when it is stopped. For the demo, `npm start`, and tests of whole daemons.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PodClient } from "../actors/pod-client.ts";
import { connectClient, type GrpcClient } from "../cri/client.ts";
import { messageOf } from "../kernel/errors.ts";
import { linuxClock } from "../kernel/linux/clock.ts";
import { ProgramError } from "./program-error.ts";
import { silentContext } from "./silent-context.ts";

const startTimeoutMs = 20_000;
const stopTimeoutMs = 15_000;
const logLinesKept = 50;

export interface PrivateDaemonOptions {
  /** File that spans are recorded to. */
  readonly recordPath?: string;
  /** Group that may read the trace stream. */
  readonly traceGid?: number;
  /** More lines of configuration, for tests. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface PrivateDaemon {
  /** Holds everything: config.toml, root, run, logs. */
  readonly directory: string;
  readonly socket: string;
  readonly traceSocket: string;
  readonly client: GrpcClient;
  readonly process: ChildProcess;
  /** The last lines of its log. */
  log(): string;
  /** Removes every pod, ends the daemon, removes the directories. Repeating it is no error. */
  stop(): Promise<void>;
}

const vitrined = join(import.meta.dirname, "vitrined.ts");

/** Configuration of a daemon that shares nothing but the kernel with its neighbours. */
function writeConfig(directory: string, name: string, options: PrivateDaemonOptions): string {
  const confDir = join(directory, "net.d");
  mkdirSync(confDir);
  const path = join(directory, "config.toml");
  writeFileSync(
    path,
    `version = 3
root = "${directory}/root"
state = "${directory}/run"
[grpc]
address = "${directory}/run/vitrine.sock"
[plugins."io.containerd.cri.v1.runtime".cni]
conf_dir = "${confDir}"
[vitrine]
netns_dir = "${directory}/netns"
cgroup_parent = "/${name}"
[vitrine.bridge]
name = "${name}"
subnet = "10.187.${randomInt(1, 255)}.0/24"
[vitrine.tracing]
address = "${directory}/run/trace.sock"
gid = ${options.traceGid ?? 0}
record = "${options.recordPath ?? ""}"
${options.config ?? ""}
`,
  );
  return path;
}

/** Resolves when the socket is there; ProgramError with the daemon's own words when it ended instead. */
async function waitForSocket(
  child: ChildProcess,
  socket: string,
  log: () => string,
): Promise<void> {
  const until = performance.now() + startTimeoutMs;
  while (!existsSync(socket)) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new ProgramError(`the daemon did not start:\n${log()}`);
    }
    if (performance.now() > until)
      throw new ProgramError(`the daemon does not get ready:\n${log()}`);
    await delay(20);
  }
}

/** Resolves when the child has ended, killing it when it takes too long. */
async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const impatience = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
  await ended;
  clearTimeout(impatience);
}

/** What kept pods from being removed; undefined when nothing did, or when there is no daemon any more. */
async function removePods(child: ChildProcess, client: GrpcClient): Promise<string | undefined> {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  try {
    const context = silentContext();
    const { items } = await client.listPodSandbox(context, {});
    const pods = new PodClient(client, linuxClock());
    await Promise.all(items.map(({ id }) => pods.removePod(context, id)));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** A bridge outlives its last pod, because making one takes longer than anything else in a pod's network. */
function removeBridge(name: string): void {
  if (existsSync(`/sys/class/net/${name}`)) spawnSync("ip", ["link", "delete", name]);
}

/** Starts a daemon of its own in a new directory under /tmp and waits until it serves. */
export async function startPrivateDaemon(
  options: PrivateDaemonOptions = {},
): Promise<PrivateDaemon> {
  const directory = mkdtempSync("/tmp/vitrine-");
  const name = `vt${randomBytes(4).toString("hex")}`;
  const config = writeConfig(directory, name, options);
  const child = spawn(process.execPath, [vitrined, "--config", config], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...options.env },
  });
  const lines: string[] = [];
  child.stderr?.on("data", (chunk: Buffer) => {
    lines.push(...chunk.toString().trimEnd().split("\n"));
    lines.splice(0, lines.length - logLinesKept);
  });
  const socket = join(directory, "run", "vitrine.sock");
  const client = connectClient(socket);
  const removeFiles = () => {
    removeBridge(name);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await waitForSocket(child, socket, () => lines.join("\n"));
  } catch (error) {
    client.close();
    await endProcess(child);
    removeFiles();
    throw error;
  }
  return {
    directory,
    socket,
    traceSocket: join(directory, "run", "trace.sock"),
    client,
    process: child,
    log: () => lines.join("\n"),
    async stop() {
      const failure = await removePods(child, client);
      client.close();
      await endProcess(child);
      if (failure !== undefined) {
        throw new ProgramError(
          `pods could not be removed, ${directory} is left as it is: ${failure}`,
        );
      }
      removeFiles();
    },
  };
}
