/**
 * A daemon in directories, a cgroup and a bridge of its own: beside whatever else runs on the machine,
 * and gone without a trace when it is stopped, or when its starter is killed. For the demo, `npm start`,
 * and tests of whole daemons.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PodClient } from "../actors/pod-client.ts";
import { connectClient, type GrpcClient } from "../cri/client.ts";
import { messageOf } from "../kernel/errors.ts";
import { linuxClock } from "../kernel/linux/clock.ts";
import { removePrivateFiles } from "./private-end.ts";
import { ProgramError } from "./program-error.ts";
import { silentContext } from "./silent-context.ts";

const startTimeoutMs = 60_000;
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

const vitrined = join(import.meta.dirname, "vitrined.mjs");

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

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Whether somebody accepts connections; a killed daemon leaves its socket file behind. */
function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(socket);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}

/** Resolves when the child has ended, killing it when it takes too long. */
async function endProcess(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const impatience = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
  await ended;
  clearTimeout(impatience);
}

export class PrivateDaemon {
  /** Holds everything: config.toml, root, run, net.d. */
  readonly directory: string;
  readonly socket: string;
  readonly traceSocket: string;
  readonly #name: string;
  readonly #config: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #lines: string[] = [];
  #child: ChildProcess;
  #client: GrpcClient;

  private constructor(options: PrivateDaemonOptions) {
    this.directory = mkdtempSync("/tmp/vitrine-");
    this.#name = `vt${randomBytes(4).toString("hex")}`;
    this.#config = writeConfig(this.directory, this.#name, options);
    this.#env = options.env ?? {};
    this.socket = join(this.directory, "run", "vitrine.sock");
    this.traceSocket = join(this.directory, "run", "trace.sock");
    this.#child = this.#spawn({});
    this.#client = connectClient(this.socket);
  }

  /** Starts a daemon in a new directory under /tmp and waits until it serves. ProgramError with its own words when it does not. */
  static async start(options: PrivateDaemonOptions = {}): Promise<PrivateDaemon> {
    const daemon = new PrivateDaemon(options);
    try {
      await daemon.#serving();
      return daemon;
    } catch (error) {
      await endProcess(daemon.#child);
      removePrivateFiles(daemon.directory, daemon.#name);
      throw error;
    }
  }

  /** Of the daemon that runs now; another one after `startAgain`. */
  get client(): GrpcClient {
    return this.#client;
  }

  /** The daemon's process; another one after `startAgain`. */
  get process(): ChildProcess {
    return this.#child;
  }

  /** The last lines of its log. */
  log(): string {
    return this.#lines.join("\n");
  }

  /** Ends the daemon by a signal (SIGKILL: as a crash does) unless it has ended, and resolves when it has. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    if (hasEnded(this.#child)) return;
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill(signal);
    await ended;
  }

  /** Resolves with the signal or exit code when the daemon has ended by itself. */
  async ended(): Promise<NodeJS.Signals | number | null> {
    if (!hasEnded(this.#child)) await new Promise((resolve) => this.#child.once("exit", resolve));
    return this.#child.signalCode ?? this.#child.exitCode;
  }

  /** A new daemon over the directories of the one that ended. */
  async startAgain(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#client.close();
    this.#child = this.#spawn(env);
    this.#client = connectClient(this.socket);
    await this.#serving();
  }

  /** Removes every pod, ends the daemon, removes the directories. */
  async stop(): Promise<void> {
    const failure = await this.#removePods();
    this.#client.close();
    await endProcess(this.#child);
    if (failure !== undefined) {
      throw new ProgramError(
        `pods could not be removed, ${this.directory} is left as it is: ${failure}`,
      );
    }
    removePrivateFiles(this.directory, this.#name);
  }

  #spawn(env: Readonly<Record<string, string>>): ChildProcess {
    const args = [vitrined, "--config", this.#config, "--private", this.directory];
    const child = spawn(process.execPath, args, {
      // Nothing is ever written to standard input: that it closes tells the daemon of our end.
      stdio: ["pipe", "ignore", "pipe"],
      // In a session of its own: Ctrl-C in a terminal is for us, who then end it in order.
      detached: true,
      env: { ...process.env, ...this.#env, ...env },
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#lines.push(...chunk.toString().trimEnd().split("\n"));
      this.#lines.splice(0, this.#lines.length - logLinesKept);
    });
    return child;
  }

  async #serving(): Promise<void> {
    const until = performance.now() + startTimeoutMs;
    while (!(await answers(this.socket))) {
      if (hasEnded(this.#child)) throw new ProgramError(`the daemon did not start:\n${this.log()}`);
      if (performance.now() > until) {
        throw new ProgramError(`the daemon does not get ready:\n${this.log()}`);
      }
      await delay(20);
    }
  }

  /** What kept pods from being removed; undefined when nothing did, or when there is no daemon any more. */
  async #removePods(): Promise<string | undefined> {
    if (hasEnded(this.#child)) return undefined;
    try {
      const context = silentContext();
      const { items } = await this.#client.listPodSandbox(context, {});
      const pods = new PodClient(this.#client, linuxClock());
      await Promise.all(items.map(({ id }) => pods.removePod(context, id)));
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }
}

/** Starts a daemon of its own in a new directory under /tmp and waits until it serves. */
export function startPrivateDaemon(options: PrivateDaemonOptions = {}): Promise<PrivateDaemon> {
  return PrivateDaemon.start(options);
}
