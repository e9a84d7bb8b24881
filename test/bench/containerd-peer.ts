/**
 * Debian's containerd with runc as the peer of a measurement: its own root, state, socket and CNI
 * configuration in a folder of ours, so that the machine's own containerd (if any) is not touched.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface PeerOptions {
  /** Folder for everything the peer writes. */
  readonly folder: string;
  readonly cniConfDir: string;
  readonly cniBinDir: string;
  readonly sandboxImage: string;
}

export interface Peer {
  readonly name: string;
  /** Path of the CRI socket. */
  readonly socket: string;
  readonly pid: number;
  /** Pids of the peer's shims. */
  shims(): readonly number[];
  /** Imports an OCI layout archive (a tar file). */
  importImages(archive: string): void;
  stop(): Promise<void>;
}

function configuration(options: PeerOptions): string {
  return `version = 2
root = "${join(options.folder, "root")}"
state = "${join(options.folder, "state")}"
[grpc]
  address = "${join(options.folder, "containerd.sock")}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${options.sandboxImage}"
  # This machine may lack CAP_SYS_RESOURCE; without this containerd could start no pod there.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${options.cniBinDir}"
    conf_dir = "${options.cniConfDir}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
`;
}

/** Pids whose command line holds all of `words`. */
export function pidsOf(...words: readonly string[]): readonly number[] {
  const listing = spawnSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" }).stdout;
  return listing
    .split("\n")
    .filter((line) => words.every((word) => line.includes(word)))
    .map((line) => Number.parseInt(line, 10));
}

/** Starts containerd and waits until its socket is there. */
export async function startContainerd(options: PeerOptions): Promise<Peer> {
  mkdirSync(options.folder, { recursive: true });
  const config = join(options.folder, "config.toml");
  writeFileSync(config, configuration(options));
  const log = openSync(join(options.folder, "containerd.log"), "a");
  const child: ChildProcess = spawn("containerd", ["--config", config], {
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  const socket = join(options.folder, "containerd.sock");
  for (let tries = 0; !existsSync(socket); tries += 1) {
    if (tries > 200 || child.exitCode !== null) throw new Error("containerd did not start");
    await sleep(50);
  }
  const pid = child.pid ?? 0;
  const shims = () => pidsOf("containerd-shim-runc-v2", socket);
  return {
    name: "containerd + runc",
    socket,
    pid,
    shims,
    importImages(archive) {
      const result = spawnSync("ctr", ["-a", socket, "-n", "k8s.io", "images", "import", archive], {
        encoding: "utf8",
      });
      if (result.status !== 0) throw new Error(`ctr images import: ${result.stderr}`);
    },
    async stop() {
      child.kill("SIGTERM");
      for (let tries = 0; child.exitCode === null && tries < 100; tries += 1) await sleep(50);
      for (const shim of shims()) process.kill(shim, "SIGKILL");
      rmSync(options.folder, { recursive: true, force: true });
    },
  };
}
