/** Who is measured: Debian's containerd, and Vitrine with the same CNI chain, with its own bridge, and without spans. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { startPrivateDaemon } from "../../apps/runtime/src/cli/private-daemon.ts";
import { silentContext } from "../../apps/runtime/src/cli/silent-context.ts";
import { connectClient } from "../../apps/runtime/src/cri/client.ts";
import { pidsOf, startContainerd } from "./containerd-peer.ts";
import { writeArchive } from "./image-archive.ts";
import type { Workload } from "./pod-cycle.ts";

export interface Contender {
  readonly name: string;
  readonly workload: Workload;
  readonly pid: number;
  shims(): readonly number[];
  stop(): Promise<void>;
}

const cniBinDir = "/usr/lib/cni";
const demoImage = "vitrine.local/demo:1";

/** Debian's chain: bridge with host-local addresses, and portmap behind it. */
function writeStockChain(confDir: string, bridge: string, subnet: string, leases: string): void {
  mkdirSync(confDir, { recursive: true });
  const ipam = {
    type: "host-local",
    ranges: [[{ subnet }]],
    routes: [{ dst: "0.0.0.0/0" }],
    dataDir: leases,
  };
  const plugins = [
    { type: "bridge", bridge, isGateway: true, ipMasq: true, ipam },
    { type: "portmap", capabilities: { portMappings: true } },
  ];
  const config = { cniVersion: "1.0.0", name: bridge, plugins };
  writeFileSync(join(confDir, "10-bench.conflist"), JSON.stringify(config));
}

interface VitrineOptions {
  readonly name: string;
  readonly stockChain?: { readonly bridge: string; readonly subnet: string };
  readonly spans: boolean;
}

async function startVitrine(options: VitrineOptions): Promise<Contender> {
  const daemon = await startPrivateDaemon({ config: options.spans ? "" : "enabled = false" });
  if (options.stockChain !== undefined) {
    const { bridge, subnet } = options.stockChain;
    writeStockChain(
      join(daemon.directory, "net.d"),
      bridge,
      subnet,
      join(daemon.directory, "leases"),
    );
  }
  return {
    name: options.name,
    workload: {
      client: daemon.client,
      context: silentContext(),
      image: demoImage,
      logDirectory: join(daemon.directory, "logs"),
      cgroupParent: "",
    },
    pid: daemon.process.pid ?? 0,
    shims: () => shimsBelow(daemon.directory),
    stop: () => daemon.stop(),
  };
}

/** A shim works in a directory of its daemon's. */
function shimsBelow(directory: string): readonly number[] {
  return pidsOf("vitrine-shim").filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`).startsWith(directory);
    } catch {
      return false;
    }
  });
}

/** The stock plugin leaves its bridge, and its translation chains go with the last pod. */
function removeStockBridges(): void {
  for (const name of ["vtbench-c", "vtbench-v"]) spawnSync("ip", ["link", "delete", name]);
  for (const root of readdirSync("/sys/fs/cgroup")) {
    const own = join("/sys/fs/cgroup", root, "vtbench-c");
    if (existsSync(own)) rmdirSync(own);
  }
}

async function startPeer(folder: string, archive: string): Promise<Contender> {
  const cniConfDir = join(folder, "net.d");
  writeStockChain(cniConfDir, "vtbench-c", "10.98.0.0/16", join(folder, "leases"));
  const sandboxImage = "vitrine.local/pause:1";
  const peer = await startContainerd({
    folder: join(folder, "containerd"),
    cniConfDir,
    cniBinDir,
    sandboxImage,
  });
  peer.importImages(archive);
  const client = connectClient(peer.socket);
  return {
    name: peer.name,
    workload: {
      client,
      context: silentContext(),
      image: demoImage,
      logDirectory: join(folder, "logs"),
      cgroupParent: "/vtbench-c",
    },
    pid: peer.pid,
    shims: peer.shims,
    async stop() {
      const { items } = await client.listPodSandbox(silentContext(), {});
      for (const { id } of items) {
        await client.stopPodSandbox(silentContext(), { podSandboxId: id });
        await client.removePodSandbox(silentContext(), { podSandboxId: id });
      }
      client.close();
      await peer.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Contenders {
  readonly all: readonly Contender[];
  readonly peer: Contender;
  stop(): Promise<void>;
}

export const ownName = "Vitrine, own bridge";
export const stockName = "Vitrine, same CNI chain";
export const silentName = "Vitrine, own bridge, spans off";

/** Starts all of them; `folder` is new and removed at the end. */
export async function startContenders(folder: string): Promise<Contenders> {
  const own = await startVitrine({ name: ownName, spans: true });
  const silent = await startVitrine({ name: silentName, spans: false });
  const stockChain = { bridge: "vtbench-v", subnet: "10.97.0.0/16" };
  const stock = await startVitrine({ name: stockName, stockChain, spans: true });
  const archive = join(folder, "images.tar");
  mkdirSync(folder, { recursive: true });
  writeArchive(join(own.workload.logDirectory, "../root/content"), folder, archive);
  const peer = await startPeer(folder, archive);
  const all = [peer, stock, own, silent];
  return {
    all,
    peer,
    async stop() {
      for (const contender of all) await contender.stop();
      removeStockBridges();
    },
  };
}
