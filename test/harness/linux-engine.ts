/**
 * An engine on the real kernel in directories, a cgroup and a bridge of its own, for tests. `restart`
 * makes a second engine over the same directories, as a new daemon would; `end` removes everything.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Engine } from "../../apps/runtime/src/engine/engine.ts";
import {
  defaultEngineOptions,
  type EngineOptions,
} from "../../apps/runtime/src/engine/engine-options.ts";
import type { NetworkOptions } from "../../apps/runtime/src/engine/network/network-options.ts";
import { FileContentStore, hostPlatform } from "../../apps/runtime/src/images/content-store.ts";
import { RuntimeError } from "../../apps/runtime/src/kernel/errors.ts";
import { linuxClock } from "../../apps/runtime/src/kernel/linux/clock.ts";
import { LinuxKernel } from "../../apps/runtime/src/kernel/linux/index.ts";
import { linuxRandom } from "../../apps/runtime/src/kernel/linux/random.ts";
import { type DurableRecords, openRecords } from "../../apps/runtime/src/kernel/linux/records.ts";
import type { Registry, World } from "../../apps/runtime/src/kernel/world.ts";
import type { Context } from "../../apps/runtime/src/trace/tracer.ts";
import { RecordingTracer } from "./recording-tracer.ts";

const programs = join(import.meta.dirname, "../../native/build");

/** These tests pull nothing. */
const noRegistry: Registry = {
  fetch: (_context, reference) =>
    Promise.reject(new RuntimeError("UNAVAILABLE", `no registry for ${reference} in this test`)),
};

export class LinuxEngine {
  readonly directory: string;
  readonly options: EngineOptions;
  readonly tracer = new RecordingTracer();
  engine: Engine;
  #records: DurableRecords;

  private constructor(directory: string, options: EngineOptions) {
    this.directory = directory;
    this.options = options;
    this.#records = openRecords(join(options.rootDirectory, "records.db"));
    this.engine = new Engine(this.#world(), options);
  }

  /** An engine over directories that another one made, not started yet. */
  static over(directory: string, options: EngineOptions): LinuxEngine {
    return new LinuxEngine(directory, options);
  }

  /** Makes and starts an engine; `changed` replaces options, `network` those of the network by its directory. */
  static async start(
    changed: Partial<EngineOptions> = {},
    network: (directory: string) => Partial<NetworkOptions> = () => ({}),
  ): Promise<LinuxEngine> {
    const directory = mkdtempSync("/tmp/vt-engine-");
    const name = directory.slice(directory.lastIndexOf("-") + 1);
    const root = join(directory, "root");
    const confDir = join(directory, "net.d");
    mkdirSync(root, { mode: 0o700 });
    mkdirSync(confDir);
    const options: EngineOptions = {
      ...defaultEngineOptions,
      rootDirectory: root,
      stateDirectory: join(directory, "run"),
      netnsDirectory: join(directory, "netns"),
      cgroupParentDefault: `/vt-engine-${name}`,
      network: {
        ...defaultEngineOptions.network,
        confDir,
        resultsDirectory: join(root, "cni/results"),
        ...network(directory),
      },
      ...changed,
    };
    const made = new LinuxEngine(directory, options);
    await made.engine.start(made.context);
    return made;
  }

  get context(): Context {
    return this.tracer.context;
  }

  /** A stock chain of plugins: bridge with host-local addresses out of 10.231.<octet>.0/24. */
  writeBridgeConfig(bridge: string, octet: number): void {
    const conflist = {
      cniVersion: "1.0.0",
      name: `net-${bridge}`,
      plugins: [
        {
          type: "bridge",
          bridge,
          isGateway: true,
          ipMasq: false,
          ipam: {
            type: "host-local",
            dataDir: join(this.directory, "host-local"),
            ranges: [[{ subnet: `10.231.${octet}.0/24` }]],
          },
        },
      ],
    };
    writeFileSync(join(this.options.network.confDir, "10-test.conflist"), JSON.stringify(conflist));
  }

  /** Lets go of everything without telling anybody, as a daemon does that is killed. */
  leave(): void {
    this.engine.parts.shims.disconnect();
    this.#records.close();
  }

  /** A new engine over what the old one left; call `leave` before. */
  async restart(changed: Partial<EngineOptions> = {}): Promise<void> {
    this.#records = openRecords(join(this.options.rootDirectory, "records.db"));
    this.engine = new Engine(this.#world(), { ...this.options, ...changed });
    await this.engine.start(this.context);
  }

  /** Removes every pod, then the engine's own directories. */
  async end(): Promise<void> {
    const { items } = await this.engine.listPodSandbox(this.context, {});
    for (const { id } of items) {
      await this.engine.removePodSandbox(this.context, { podSandboxId: id });
    }
    await this.engine.close(this.context);
    this.#records.close();
    rmSync(this.directory, { recursive: true });
  }

  #world(): World {
    return {
      kernel: new LinuxKernel(),
      clock: linuxClock(),
      random: linuxRandom(),
      records: this.#records,
      registry: noRegistry,
      content: new FileContentStore({
        directory: join(this.options.rootDirectory, "content"),
        programs,
        platform: hostPlatform(),
      }),
    };
  }
}

/** Removes a network interface that a test's plugins made. */
export function removeLink(name: string): void {
  spawnSync("ip", ["link", "delete", name]);
}
