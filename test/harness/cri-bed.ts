/**
 * A whole daemon of its own behind its real socket, for tests of what callers do wrong. `residue` says
 * what of it is on the machine: mounts, cgroups, processes, interfaces, files, and what its lists show.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect } from "vitest";
import {
  type PrivateDaemon,
  type PrivateDaemonOptions,
  startPrivateDaemon,
} from "../../apps/runtime/src/cli/private-daemon.ts";
import { silentContext } from "../../apps/runtime/src/cli/silent-context.ts";
import { connectClient, type GrpcClient } from "../../apps/runtime/src/cri/client.ts";
import { RuntimeError } from "../../apps/runtime/src/kernel/errors.ts";
import type { Context } from "../../apps/runtime/src/trace/tracer.ts";
import { writeBusyboxImage } from "./busybox-image.ts";
import { ownResidue } from "./own-residue.ts";

/** The image that `loadBusybox` brings in. */
export const busyboxReference = "vitrine.test/busybox:1";

/** How long rolled back work may take to vanish after its caller was told of the failure. */
const settleMs = 10_000;

function namesIn(directory: string, label: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: label === "lease", encoding: "utf8" }).map(
    (name) => `${label} ${name}`,
  );
}

/** Processes that were started with `word` in their environment: plugins, and whatever they forked. */
function processesWith(word: string, but: number | undefined): readonly string[] {
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (Number(pid) === but) continue;
      if (!readFileSync(`/proc/${pid}/environ`, "utf8").includes(word)) continue;
      found.push(`plugin process ${readFileSync(`/proc/${pid}/cmdline`, "utf8")}`);
    } catch {
      // Gone meanwhile.
    }
  }
  return found;
}

export class CriBed {
  readonly daemon: PrivateDaemon;
  /** The name that the daemon's bridge and its cgroup share. */
  readonly name: string;

  private constructor(daemon: PrivateDaemon) {
    this.daemon = daemon;
    const config = readFileSync(join(daemon.directory, "config.toml"), "utf8");
    this.name = /cgroup_parent = "\/(.+)"/.exec(config)?.[1] ?? "";
  }

  static async start(options: PrivateDaemonOptions = {}): Promise<CriBed> {
    return new CriBed(await startPrivateDaemon(options));
  }

  /** Ends the daemon in order, has its configuration changed (or more done meanwhile), and starts another one. */
  async restart(change: (config: string) => string): Promise<void> {
    await this.daemon.kill("SIGTERM");
    const path = join(this.directory, "config.toml");
    writeFileSync(path, change(readFileSync(path, "utf8")));
    await this.daemon.startAgain();
  }

  get client(): GrpcClient {
    return this.daemon.client;
  }

  get directory(): string {
    return this.daemon.directory;
  }

  get context(): Context {
    return silentContext();
  }

  /** Brings in an image of this machine's busybox, by default as `busyboxReference`. */
  async loadBusybox(
    reference = busyboxReference,
    config: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const path = join(this.directory, `busybox-${reference.replaceAll(/\W/g, "-")}.tar`);
    writeBusyboxImage(path, { reference, config });
    await this.client.loadImage(this.context, { path });
  }

  /** Another client of the same socket, every call of which has a deadline. */
  hurriedClient(timeoutMs: number): GrpcClient {
    return connectClient(this.daemon.socket, { timeoutMs });
  }

  /** One line for each thing of this daemon that is on the machine. */
  async residue(): Promise<readonly string[]> {
    const root = join(this.directory, "root");
    const { items } = await this.client.listPodSandbox(this.context, {});
    const { containers } = await this.client.listContainers(this.context, {});
    const { images } = await this.client.listImages(this.context, {});
    return [
      ...ownResidue(this.directory, `/${this.name}`),
      ...namesIn(`/sys/class/net/${this.name}/brif`, "interface"),
      ...namesIn(join(root, "snapshots"), "snapshot"),
      ...namesIn(join(root, "content", "ingest"), "ingest"),
      ...namesIn(join(root, "content", "blobs", "sha256"), "blob"),
      ...namesIn(join(root, "cni", "leases"), "lease"),
      ...processesWith(`CNI_NETNS=${this.directory}`, this.daemon.process.pid),
      ...items.map(({ id, state }) => `pod ${id} ${state}`),
      ...containers.map(({ id, state }) => `container ${id} ${state}`),
      ...images.map(({ id, repoTags }) => `image ${id} ${repoTags.join(" ")}`),
    ].sort();
  }

  /** The residue as soon as it equals `wanted`; otherwise what it is after a while. */
  async settledResidue(wanted: readonly string[]): Promise<readonly string[]> {
    const until = performance.now() + settleMs;
    for (;;) {
      const residue = await this.residue();
      if (residue.join("\n") === wanted.join("\n") || performance.now() > until) return residue;
      await delay(20);
    }
  }

  async end(): Promise<void> {
    await this.daemon.stop();
  }
}

/** The error of a call that must fail, as its gRPC code and message; fails the test when it does not. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ readonly code: string; readonly message: string }> {
  const outcome = await call.then(
    (answer) => ({ answer }),
    (error: unknown) => ({ error }),
  );
  if ("answer" in outcome) {
    throw new Error(`the call succeeded: ${JSON.stringify(outcome.answer)}`);
  }
  if (!(outcome.error instanceof RuntimeError)) throw outcome.error;
  return { code: outcome.error.code, message: outcome.error.message };
}

/** What `refusal` must equal. A message of many lines, or one that shows our insides, is not readable. */
export function refused(code: string, message: RegExp): unknown {
  return { code, message: expect.stringMatching(message) };
}

/** Has every test of the file end with the machine, and the daemon's lists, as they were before it. */
export function everyTestLeavesNothing(bed: () => CriBed): void {
  let before: readonly string[] = [];
  beforeEach(async () => {
    before = await bed().residue();
  });
  afterEach(async () => {
    const { daemon } = bed();
    const said = daemon.log().split("\n").slice(-5).join("\n");
    expect(await bed().settledResidue(before), said).toEqual(before);
    expect(daemon.process.exitCode, daemon.log()).toBe(null);
  });
}
