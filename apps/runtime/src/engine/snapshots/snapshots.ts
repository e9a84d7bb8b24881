/**
 * Snapshots: unpacked layers, shared by chain id between images, and the root file systems of
 * containers on top of them. All of it lies in numbered directories under `snapshots/`:
 *
 *   snapshots/<n>/fs          an unpacked layer
 *   snapshots/<n>/{fs,work}   what a container wrote, and overlayfs's work directory
 *
 * Invariants: a record is written before its directory is made and goes after it; a layer counts only
 * when its record says `committed`, which it does after syncfs(2). So what a dead daemon left half-made
 * is known by its record or by having none, and `start` removes it.
 */
import { messageOf, RuntimeError } from "../../kernel/errors.ts";
import type { Op } from "../../kernel/op.ts";
import type { Plan } from "../../kernel/plan.ts";
import type { Descriptor, World } from "../../kernel/world.ts";
import { type Context, step, withoutDeadline } from "../../trace/tracer.ts";
import type { CrashPoint, EngineOptions } from "../engine-options.ts";
import { KeyedLocks } from "../keyed-locks.ts";
import { RecordStore } from "../record-store.ts";
import { type RootfsMount, rootfsMount } from "./rootfs-mount.ts";
import { isSmallTree } from "./small-tree.ts";
import {
  isLayerRecord,
  isSnapshotRecord,
  type LayerRecord,
  type SnapshotRecord,
} from "./snapshot-record.ts";

export type { RootfsMount } from "./rootfs-mount.ts";

/** A layer to unpack. */
export interface LayerSource {
  readonly descriptor: Descriptor;
  readonly diffId: string;
  readonly chainId: string;
}

export interface SnapshotUsage {
  readonly bytes: number;
  readonly inodes: number;
}

type SnapshotOptions = Pick<EngineOptions, "rootDirectory"> & {
  readonly crashPoint?: (point: CrashPoint) => void;
};

function hostPlan(name: string, ops: readonly Op[]): Plan {
  return { name, steps: ops.map((op) => ({ process: "host", op })) };
}

export class Snapshots {
  readonly #world: World;
  readonly #options: SnapshotOptions;
  readonly #layers: RecordStore<LayerRecord>;
  readonly #snapshots: RecordStore<SnapshotRecord>;
  /** One unpacking of a chain id at a time; later ones find it done. */
  readonly #locks = new KeyedLocks();
  /** Chain ids that work in progress relies on, with how many do. */
  readonly #leases = new Map<string, number>();
  readonly #keepers: (() => Iterable<string>)[] = [];
  #nextNumber = 1;

  constructor(world: World, options: SnapshotOptions) {
    this.#world = world;
    this.#options = options;
    this.#layers = new RecordStore(world.records, "layer", "layer", isLayerRecord);
    this.#snapshots = new RecordStore(world.records, "snapshot", "snapshot", isSnapshotRecord);
  }

  /** `${rootDirectory}/snapshots`, a directory from `start` on. */
  get directory(): string {
    return `${this.#options.rootDirectory}/snapshots`;
  }

  /** Names who keeps layers alive besides the snapshots: the images do. */
  keptBy(chainIds: () => Iterable<string>): void {
    this.#keepers.push(chainIds);
  }

  /**
   * Reads the records and removes what a dead daemon left: half-unpacked layers, directories without
   * a record. Returns what could not be removed, in words; that never stops the start.
   */
  async start(context: Context): Promise<readonly string[]> {
    this.#layers.load();
    this.#snapshots.load();
    const { kernel } = this.#world;
    await kernel.run(
      context,
      hostPlan("make snapshot directory", [
        { op: "mkdir", path: this.directory, mode: 0o700, parents: true },
      ]),
    );
    const problems: string[] = [];
    for (const layer of this.#layers.all().filter((layer) => !layer.committed)) {
      await this.#dropLayer(context, layer).catch((error) => problems.push(messageOf(error)));
    }
    await this.#removeUnknown(context, problems);
    return problems;
  }

  /** Removes directories without a record; finds the first number that is free. */
  async #removeUnknown(context: Context, problems: string[]): Promise<void> {
    const { kernel } = this.#world;
    const known = new Set(
      [...this.#layers.all(), ...this.#snapshots.all()].map(({ number }) => number),
    );
    for (const name of (await kernel.files.list(this.directory)) ?? []) {
      const number = Number(name);
      if (known.has(number)) continue;
      // A number that could not be freed is not given out again.
      if (Number.isSafeInteger(number)) this.#nextNumber = Math.max(this.#nextNumber, number + 1);
      const op: Op = { op: "removeTree", path: `${this.directory}/${name}` };
      const plan: Plan = { name: "remove orphaned snapshot", steps: [{ process: "oci", op }] };
      await kernel.runApart(context, plan).catch((error) => problems.push(messageOf(error)));
    }
    for (const number of known) this.#nextNumber = Math.max(this.#nextNumber, number + 1);
  }

  /** Runs `work` while no layer of `chainIds` is collected. */
  async lease<T>(chainIds: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const id of chainIds) this.#leases.set(id, (this.#leases.get(id) ?? 0) + 1);
    try {
      return await work();
    } finally {
      for (const id of chainIds) {
        const left = (this.#leases.get(id) ?? 1) - 1;
        if (left === 0) this.#leases.delete(id);
        else this.#leases.set(id, left);
      }
    }
  }

  /** Whether the layer is unpacked and whole. */
  hasLayer(chainId: string): boolean {
    return this.#layers.get(chainId)?.committed === true;
  }

  /**
   * Unpacks the layers, lowest first, that are not there yet. Call it under a lease.
   * @throws RuntimeError DATA_LOSS, RESOURCE_EXHAUSTED and others of ContentStore.unpack
   */
  async unpackLayers(context: Context, layers: readonly LayerSource[]): Promise<void> {
    const below: string[] = [];
    for (const layer of layers) {
      await this.#locks.run(context, layer.chainId, async () => {
        if (!this.hasLayer(layer.chainId)) await this.#unpack(context, layer, below.toReversed());
      });
      below.push(layer.chainId);
    }
  }

  async #unpack(context: Context, layer: LayerSource, below: readonly string[]): Promise<void> {
    const { kernel, content } = this.#world;
    const stale = this.#layers.get(layer.chainId);
    if (stale !== undefined) await this.#dropLayer(context, stale);
    const number = this.#nextNumber++;
    const record: LayerRecord = {
      version: 1,
      id: layer.chainId,
      name: layer.chainId,
      number,
      parent: below[0] ?? "",
      diffId: layer.diffId,
      committed: false,
      bytes: 0,
      inodes: 0,
    };
    this.#layers.create(record);
    try {
      await kernel.run(
        context,
        hostPlan("make layer directory", [
          { op: "mkdir", path: this.#path(number), mode: 0o700 },
          { op: "mkdir", path: this.#fs(number), mode: 0o755 },
        ]),
      );
      const lower = below.map((chainId) => this.#fs(this.#needLayer(chainId).number));
      this.#options.crashPoint?.("I4");
      await content.unpack(context, layer.descriptor, layer.diffId, this.#fs(number), lower);
      this.#options.crashPoint?.("I5");
      const usage = await kernel.files.usage(this.#fs(number));
      this.#layers.update(layer.chainId, { committed: true, ...usage });
      this.#options.crashPoint?.("I6");
    } catch (error) {
      // What cannot be removed now keeps its record, and the next start or unpack removes it.
      await this.#dropLayer(withoutDeadline(context), record).catch(() => {});
      throw error;
    }
  }

  /**
   * Makes the snapshot `key` on top of the image whose top layer is `chainId` ("" for none), or finds
   * the one a dead daemon made, and says how to mount it. Undo is `remove`.
   * @throws RuntimeError NOT_FOUND when a layer is missing, RESOURCE_EXHAUSTED when the disk is full
   */
  prepare(
    context: Context,
    key: string,
    chainId: string,
    options: { readonly readonly: boolean },
  ): Promise<RootfsMount> {
    return step(
      context,
      "snapshot.prepare",
      { "vitrine.snapshot.key": key, "vitrine.snapshot.readonly": options.readonly },
      async (inner, span) => {
        const chain = this.#chainOf(chainId);
        span.set({ "vitrine.snapshot.layers": chain.length });
        const readonly = options.readonly && chain.length > 0;
        const known = this.#snapshots.get(key);
        if (known !== undefined) await this.remove(inner, key);
        const number = this.#nextNumber++;
        this.#snapshots.create({ version: 1, id: key, name: key, number, chainId, readonly });
        if (!readonly) await this.#makeWritable(inner, key, number);
        return this.#mountOf(chain, readonly ? undefined : number);
      },
    );
  }

  async #makeWritable(context: Context, key: string, number: number): Promise<void> {
    const plan = hostPlan("prepare snapshot", [
      { op: "mkdir", path: this.#path(number), mode: 0o700 },
      { op: "mkdir", path: this.#fs(number), mode: 0o755 },
      { op: "mkdir", path: `${this.#path(number)}/work`, mode: 0o711 },
    ]);
    try {
      await this.#world.kernel.run(context, plan);
    } catch (error) {
      await this.remove(withoutDeadline(context), key).catch(() => {});
      throw error;
    }
  }

  /** How to mount an existing snapshot again, for recovery; undefined when there is none. */
  mountOf(key: string): RootfsMount | undefined {
    const record = this.#snapshots.get(key);
    if (record === undefined) return undefined;
    const chain = this.#chainOf(record.chainId);
    return this.#mountOf(chain, record.readonly ? undefined : record.number);
  }

  #mountOf(chain: readonly LayerRecord[], writable: number | undefined): RootfsMount {
    const lower = chain.map(({ number }) => this.#fs(number));
    const top =
      writable === undefined
        ? undefined
        : { upper: this.#fs(writable), work: `${this.#path(writable)}/work` };
    return rootfsMount(this.#world.kernel.facts.release, lower, top);
  }

  /** Removes a snapshot that is no longer mounted, and layers nobody needs any more. Unknown is no error. */
  async remove(context: Context, key: string): Promise<void> {
    const record = this.#snapshots.get(key);
    if (record === undefined) return;
    await step(context, "snapshot.remove", { "vitrine.snapshot.key": key }, async (inner) => {
      if (!record.readonly) {
        await this.#removeDirectory(inner, "remove snapshot", record.number);
      }
      this.#snapshots.delete(key);
      await this.collect(inner);
    });
  }

  /** Keys of all snapshots, for recovery to find those whose container is gone. */
  keys(): readonly string[] {
    return this.#snapshots.all().map(({ id }) => id);
  }

  /** What a container wrote: bytes and inodes of its writable layer. Zero when it has none. */
  async usage(key: string): Promise<SnapshotUsage> {
    const record = this.#snapshots.get(key);
    if (record === undefined || record.readonly) return { bytes: 0, inodes: 0 };
    return this.#world.kernel.files.usage(this.#fs(record.number));
  }

  /** Bytes and inodes of all layers and snapshots together. */
  async totalUsage(): Promise<SnapshotUsage> {
    let { bytes, inodes } = { bytes: 0, inodes: 0 };
    for (const layer of this.#layers.all()) {
      bytes += layer.bytes;
      inodes += layer.inodes;
    }
    for (const { id } of this.#snapshots.all()) {
      const usage = await this.usage(id);
      bytes += usage.bytes;
      inodes += usage.inodes;
    }
    return { bytes, inodes };
  }

  /** Removes layers that no image, no snapshot and no work in progress needs. */
  async collect(context: Context): Promise<void> {
    // Children first, so that no layer ever stands on a removed one; asked anew under each lock,
    // because a pull or a container may have begun to need a layer in the meantime.
    for (const layer of this.#layers.all().toReversed()) {
      if (this.#needed().has(layer.id)) continue;
      await this.#locks.run(withoutDeadline(context), layer.id, async () => {
        const current = this.#layers.get(layer.id);
        if (current === undefined || this.#needed().has(layer.id)) return;
        await this.#dropLayer(context, current);
      });
    }
  }

  #needed(): ReadonlySet<string> {
    const needed = new Set<string>();
    const heads = [
      ...this.#leases.keys(),
      ...this.#snapshots.all().map(({ chainId }) => chainId),
      ...this.#keepers.flatMap((keeper) => [...keeper()]),
    ];
    for (const head of heads) {
      for (let id = head; id !== "" && !needed.has(id); id = this.#layers.get(id)?.parent ?? "") {
        needed.add(id);
      }
    }
    return needed;
  }

  async #dropLayer(context: Context, layer: LayerRecord): Promise<void> {
    // Nobody may build on it from here on, even when removing the directory fails half-way.
    if (layer.committed) this.#layers.update(layer.id, { committed: false });
    await this.#removeDirectory(withoutDeadline(context), "remove layer", layer.number);
    this.#layers.delete(layer.id);
  }

  /**
   * Removing a large tree takes seconds, and ops of `host` hold up the whole daemon; so it is done by a
   * process apart, unless the tree is known to be small, which most containers' own writes are.
   */
  async #removeDirectory(context: Context, name: string, number: number): Promise<void> {
    const { kernel } = this.#world;
    const path = this.#path(number);
    const small = await isSmallTree(kernel.files, path);
    const step = { op: { op: "removeTree", path }, ignore: ["ENOENT"] } as const;
    if (small) await kernel.run(context, { name, steps: [{ process: "host", ...step }] });
    else await kernel.runApart(context, { name, steps: [{ process: "oci", ...step }] });
  }

  /** The layers of a chain, topmost first. */
  #chainOf(chainId: string): readonly LayerRecord[] {
    const chain: LayerRecord[] = [];
    for (let id = chainId; id !== ""; ) {
      const layer = this.#needLayer(id);
      chain.push(layer);
      id = layer.parent;
    }
    return chain;
  }

  #needLayer(chainId: string): LayerRecord {
    const layer = this.#layers.get(chainId);
    if (layer?.committed === true) return layer;
    throw new RuntimeError("NOT_FOUND", `layer ${chainId} is not unpacked; pull the image again`);
  }

  #path(number: number): string {
    return `${this.directory}/${number}`;
  }

  #fs(number: number): string {
    return `${this.#path(number)}/fs`;
  }
}
