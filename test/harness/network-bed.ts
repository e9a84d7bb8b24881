/**
 * The network part of the engine on the real kernel, without pods: directories, bridge and plugins of a test's own.
 * A pod is a bound network namespace. `end` removes all of it.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Network } from "../../apps/runtime/src/engine/network/network.ts";
import type { NetworkOptions } from "../../apps/runtime/src/engine/network/network-options.ts";
import type { NetworkPod } from "../../apps/runtime/src/engine/network/pod-network.ts";
import { linuxClock } from "../../apps/runtime/src/kernel/linux/clock.ts";
import { LinuxKernel } from "../../apps/runtime/src/kernel/linux/index.ts";
import type { World } from "../../apps/runtime/src/kernel/world.ts";
import type { Context } from "../../apps/runtime/src/trace/tracer.ts";
import { RecordingTracer } from "./recording-tracer.ts";

export const stockPlugins = "/usr/lib/cni";
const ownPlugins = join(import.meta.dirname, "../../native/build/cni");

export class NetworkBed {
  readonly directory = mkdtempSync("/tmp/vt-net-");
  readonly tracer = new RecordingTracer();
  readonly kernel = new LinuxKernel();
  readonly options: NetworkOptions;
  /** Interface name of the bridge, and the third octet of its network; of no other test. */
  readonly bridge: string;
  readonly octet: number;
  network: Network;
  readonly #pods: NetworkPod[] = [];
  readonly #servers: ChildProcess[] = [];

  constructor(octet: number, changed: Partial<NetworkOptions> = {}) {
    this.octet = octet;
    this.bridge = `vtn${octet}`;
    for (const name of ["net.d", "bin", "netns"]) mkdirSync(this.path(name));
    this.options = {
      confDir: this.path("net.d"),
      binDirs: [this.path("bin"), stockPlugins],
      resultsDirectory: this.path("results"),
      addTimeoutMs: 10_000,
      delTimeoutMs: 10_000,
      internalLoopback: true,
      ipPreference: "ipv4",
      builtin: {
        binDir: ownPlugins,
        bridge: this.bridge,
        subnet: `10.232.${octet}.0/24`,
        dataDir: this.path("leases"),
      },
      ...changed,
    };
    this.network = this.restarted();
  }

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  get context(): Context {
    return this.tracer.context;
  }

  /** A network part that knows nothing but what lies on the disk, as after a restart. */
  restarted(): Network {
    // Network asks the world for the kernel only.
    const world = { kernel: this.kernel, clock: linuxClock() } as unknown as World;
    this.network = new Network(world, this.options);
    return this.network;
  }

  config(name: string, content: object | string): void {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    writeFileSync(join(this.options.confDir, name), text);
  }

  /** A plugin that is a shell script; it finds its log in $LOG, which holds a line for each of its calls. */
  script(name: string, body: string): void {
    const path = this.path("bin", name);
    const log = this.path(`${name}.log`);
    writeFileSync(path, `#!/bin/sh\nLOG=${log}\necho "$CNI_COMMAND" >>$LOG\n${body}\n`);
    chmodSync(path, 0o755);
  }

  /** Commands that a script was called with. */
  calls(name: string): readonly string[] {
    const log = this.path(`${name}.log`);
    if (!existsSync(log)) return [];
    return readFileSync(log, "utf8").trim().split("\n");
  }

  /** Names in a directory of this bed. */
  list(...names: string[]): readonly string[] {
    const path = this.path(...names);
    return existsSync(path) ? readdirSync(path).sort() : [];
  }

  /** A pod with a network namespace, not attached yet. */
  async pod(name: string, changed: Partial<NetworkPod> = {}): Promise<NetworkPod> {
    const id = Buffer.from(name).toString("hex").padEnd(64, "0").slice(0, 64);
    const pod: NetworkPod = {
      id,
      name,
      namespace: "default",
      uid: `uid-${name}`,
      netnsPath: this.path("netns", name),
      portMappings: [],
      dns: undefined,
      annotations: {},
      cgroupParent: "",
      ...changed,
    };
    this.#pods.push(pod);
    await this.network.makeNamespace(this.context, pod.netnsPath);
    return pod;
  }

  /** Runs a program inside a pod's network; its output. */
  inside(pod: NetworkPod, ...command: readonly string[]): string {
    const result = spawnSync("nsenter", [`--net=${pod.netnsPath}`, ...command], {
      encoding: "utf8",
      timeout: 5000,
    });
    return result.status === 0 ? result.stdout : `status ${result.status}: ${result.stderr}`;
  }

  /** Serves `text` by HTTP inside the pod, or on the host; resolves when somebody listens. */
  async serve(pod: NetworkPod | undefined, port: number, text: string): Promise<void> {
    const home = this.path(`www-${port}`);
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "index.html"), text);
    const server = ["busybox", "httpd", "-f", "-p", String(port), "-h", home];
    const enter = pod === undefined ? [] : ["nsenter", `--net=${pod.netnsPath}`];
    const [program = "", ...rest] = [...enter, ...server];
    const child = spawn(program, rest, { stdio: "ignore" });
    this.#servers.push(child);
    const listening = () => {
      const path = `/proc/${child.pid}/net/tcp6`;
      const hex = port.toString(16).toUpperCase().padStart(4, "0");
      return existsSync(path) && readFileSync(path, "utf8").includes(`:${hex} `);
    };
    for (let i = 0; i < 200 && !listening(); i += 1) await new Promise((go) => setTimeout(go, 10));
  }

  /** What the pod gets from an address and port by HTTP, and how long that took. */
  fetch(pod: NetworkPod, address: string): { readonly text: string; readonly ms: number } {
    const started = performance.now();
    const text = this.inside(pod, "busybox", "wget", "-q", "-O", "-", `http://${address}/`);
    return { text: text.trim(), ms: performance.now() - started };
  }

  async end(): Promise<void> {
    for (const server of this.#servers) server.kill("SIGKILL");
    for (const pod of this.#pods) {
      await this.network.detach(this.context, pod).catch(() => {});
      await this.network.removeNamespace(this.context, pod.netnsPath);
    }
    spawnSync("ip", ["link", "delete", this.bridge]);
    rmSync(this.directory, { recursive: true });
  }
}
