/**
 * The four snapshotters, and what a write costs in each: the container changes a hundred bytes in the middle of
 * a file of its image, and the disk says what it had to do for that.
 */
import type { Op } from "../../kernel/op.ts";
import { PlanBuilder } from "../../kernel/plan.ts";
import {
  type CowDriver,
  CowPool,
  close,
  cowGeometry,
  lseek,
  OverlayFileSystem,
  openat2,
  putFile,
  writeNow,
} from "../../kernel/sim/index.ts";
import { type Context, step } from "../../trace/tracer.ts";
import { expectThat } from "../look-inside.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const mebibyte = 1 << 20;
const fileBytes = 64 * mebibyte;
const writeBytes = 100;
const writeAt = 20_000_000;
const readWrite = 2;
const cwdFd = -100;

interface Cost {
  readonly read: number;
  readonly written: number;
}

/** 65536 is "64 KiB". */
function people(bytes: number): string {
  if (bytes >= mebibyte) return `${Math.round((bytes / mebibyte) * 10) / 10} MiB`;
  return bytes >= 1024 ? `${Math.round((bytes / 1024) * 10) / 10} KiB` : `${bytes} bytes`;
}

/** Writes a few bytes into the middle of the file, as the container would. */
function change(stage: Stage, path: string): void {
  const { init } = stage.simulation.machine;
  const fd = openat2(init, cwdFd, path, { flags: readWrite });
  lseek(init, fd, writeAt);
  writeNow(init, fd, new Uint8Array(writeBytes).fill(120));
  close(init, fd);
}

async function mountOps(
  stage: Stage,
  context: Context,
  name: string,
  ops: readonly Op[],
): Promise<void> {
  const plan = new PlanBuilder(name);
  for (const op of ops) plan.add("host", op);
  await stage.world.kernel.run(context, plan.build());
}

/** On the disk, as its bytes are what is counted. */
const layersDirectory = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs";

interface Kind {
  readonly driver: "overlayfs" | CowDriver;
  /** Makes image and snapshot, mounts the snapshot at `at`; returns how to read its costs. */
  readonly make: (stage: Stage, context: Context, at: string) => Promise<() => Cost>;
  readonly copyWords: string;
}

const overlay: Kind = {
  driver: "overlayfs",
  copyWords: `copy up the whole file, ${people(fileBytes)}`,
  async make(stage, context, at) {
    const base = layersDirectory;
    const directories = ["lower", "upper", "work"].map((name) => `${base}/${name}`);
    await mountOps(stage, context, "overlay", [
      ...[...directories, at].map(
        (path): Op => ({ op: "mkdir", path, mode: 0o755, parents: true }),
      ),
    ]);
    const { fileSystem } = stage.simulation.machine.init.root.mount;
    putFile(fileSystem, `${base}/lower/library.db`, new Uint8Array(fileBytes), 0o644);
    await mountOps(stage, context, "overlay", [
      {
        op: "fsmount",
        fstype: "overlay",
        source: "overlay",
        options: [
          ["lowerdir", directories[0] ?? ""],
          ["upperdir", directories[1] ?? ""],
          ["workdir", directories[2] ?? ""],
        ],
        attrs: [],
        as: "snapshot",
      },
      { op: "moveMount", fd: "snapshot", path: at },
    ]);
    const mount = [...stage.simulation.machine.init.namespaces.mnt.mounts].at(-1);
    if (!(mount?.fileSystem instanceof OverlayFileSystem)) throw new Error("no overlay is mounted");
    const { copyUp } = mount.fileSystem;
    return () => ({ read: copyUp?.bytes ?? 0, written: copyUp?.bytes ?? 0 });
  },
};

function cow(driver: CowDriver): Kind {
  const { pieceBytes, pieceName } = cowGeometry[driver];
  return {
    driver,
    copyWords: `copy one ${pieceName}, ${people(pieceBytes)}`,
    async make(stage, context, at) {
      const { machine } = stage.simulation;
      const pool = new CowPool(
        machine,
        driver,
        driver === "devmapper" ? "/dev/mapper/container-1" : "/dev/sdb",
      );
      putFile(pool.create("image"), "/library.db", new Uint8Array(fileBytes), 0o644);
      pool.snapshot("image", "container-1");
      const { type } = cowGeometry[driver];
      const known = machine.fileSystems.get(type);
      machine.fileSystems.set(type, pool.factory);
      const before = { ...pool.traffic };
      await mountOps(stage, context, driver, [
        { op: "mkdir", path: at, mode: 0o755, parents: true },
        {
          op: "fsmount",
          fstype: type,
          source: pool.source,
          options: driver === "devmapper" ? [] : [["subvol", "container-1"]],
          attrs: [],
          as: "snapshot",
        },
        { op: "moveMount", fd: "snapshot", path: at },
      ]);
      if (known !== undefined) machine.fileSystems.set(type, known);
      return () => ({
        read: pool.traffic.read - before.read,
        written: pool.traffic.written + pool.traffic.metadata - before.written - before.metadata,
      });
    },
  };
}

async function show(stage: Stage, kind: Kind): Promise<Cost> {
  const at = `/run/snapshots/${kind.driver}`;
  const driver = { "vitrine.storage.driver": kind.driver };
  const cost = await step(stage.context, "storage.snapshot", driver, async (inner, span) => {
    const reading = await kind.make(stage, inner, at);
    span.set({ "vitrine.storage.written": people(reading().written) });
    return reading;
  });
  const path = `${at}/library.db`;
  const written = { "vitrine.path": "/library.db", "vitrine.storage.bytes": `${writeBytes} bytes` };
  const paid = await step(stage.context, "storage.write", written, async (inner, span) => {
    const before = cost();
    change(stage, path);
    const after = cost();
    const paid = { read: after.read - before.read, written: after.written - before.written };
    const words = { "vitrine.storage.copy": kind.copyWords };
    await step(inner, "storage.copy", words, async () => {});
    span.set({
      "vitrine.storage.cost": `${people(paid.read)} read, ${people(paid.written)} written`,
    });
    return paid;
  });
  await mountOps(stage, stage.silent(), "unmount", [
    { op: "umount", path: at, detach: true },
    { op: "rmdir", path: at },
    ...(kind.driver === "overlayfs"
      ? [{ op: "removeTree", path: "/var/lib/containerd" } as const]
      : []),
  ]);
  return paid;
}

function scenarioOf(kind: Kind, title: string, summary: string): Scenario {
  return {
    id: `snapshotter-${kind.driver}`,
    title,
    summary,
    shows: ["Storage via Snapshotters"],
    cast: "containerd",
    narration: {
      "storage.snapshot": "Making it costs almost nothing, however large the image is.",
      "storage.write": "A hundred bytes change.",
      "storage.copy": "This is what had to be copied first.",
    },
    async run(stage) {
      const paid = await show(stage, kind);
      expectThat(paid.written >= writeBytes, "the disk was written to");
      await mountOps(stage, stage.silent(), "tidy", [{ op: "rmdir", path: "/run/snapshots" }]);
    },
  };
}

export const snapshotters: readonly Scenario[] = [
  scenarioOf(
    overlay,
    "Snapshotter overlayfs: a write copies the file",
    "Directories on top of each other: fast and simple, but the first write to a file copies all of it.",
  ),
  scenarioOf(
    cow("btrfs"),
    "Snapshotter btrfs: a write copies an extent",
    "Subvolumes that share extents: the first write copies 4 KiB and the path to them in the tree.",
  ),
  scenarioOf(
    cow("zfs"),
    "Snapshotter zfs: a write copies a record",
    "Clones that share records: the first write reads and writes 128 KiB.",
  ),
  scenarioOf(
    cow("devmapper"),
    "Snapshotter devmapper: a write copies a block of the device",
    "Thin devices that share blocks below the file system: the first write copies 64 KiB.",
  ),
];
