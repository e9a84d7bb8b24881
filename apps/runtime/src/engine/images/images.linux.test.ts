/** Images of the engine on the real kernel: names, removal, sharing of layers, recovery, a mounted root. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ImageSpec } from "../../api/index.ts";
import { FileContentStore, hostPlatform } from "../../images/content-store.ts";
import { type SampleImage, sampleImage } from "../../images/fixtures/sample-image.ts";
import { ScriptedRegistry } from "../../images/fixtures/scripted-registry.ts";
import { testContext } from "../../images/fixtures/test-context.ts";
import { programs } from "../../images/fixtures/unpack-fixture.ts";
import { RegistryClient } from "../../images/registry-client.ts";
import { LinuxKernel, linuxClock, linuxRandom, openRecords } from "../../kernel/linux/index.ts";
import type { Op } from "../../kernel/op.ts";
import type { World } from "../../kernel/world.ts";
import type { CrashPoint } from "../engine-options.ts";
import { Snapshots } from "../snapshots/snapshots.ts";
import { Images } from "./images.ts";

const shared = { files: [{ name: "shared", data: Buffer.from("shared") }] };
const app = sampleImage([shared, { files: [{ name: "app", data: Buffer.from("app") }] }], {
  User: "33:44",
  Env: ["A=1"],
});
const other = sampleImage([shared, { files: [{ name: "other", data: Buffer.from("other") }] }], {
  User: "www-data",
});

const spec = (image: string): ImageSpec => ({
  image,
  annotations: {},
  userSpecifiedImage: "",
  runtimeHandler: "",
  imageRef: "",
});
const { context } = testContext();

let root: string;
let registry: ScriptedRegistry;
let world: World & { records: ReturnType<typeof openRecords>; registry: RegistryClient };
let snapshots: Snapshots;
let images: Images;

async function boot(crashPoint?: (point: CrashPoint) => void): Promise<void> {
  const content = new FileContentStore({
    directory: join(root, "content"),
    programs,
    platform: hostPlatform(),
  });
  const common = { clock: linuxClock(), random: linuxRandom() };
  world = {
    ...common,
    kernel: new LinuxKernel(),
    records: openRecords(join(root, "records.db")),
    content,
    registry: new RegistryClient({ ...common, blobs: content.blobs, platform: hostPlatform() }),
  };
  const options = {
    rootDirectory: root,
    sandboxImage: "vitrine.local/pause:1",
    ...(crashPoint && { crashPoint }),
  };
  snapshots = new Snapshots(world, options);
  images = new Images(world, options, snapshots);
  expect(await snapshots.start(context)).toEqual([]);
  expect(await images.start(context)).toEqual([]);
}

function shutdown(): void {
  world.registry.close();
  world.records.close();
}

beforeEach(async () => {
  root = await mkdtemp("/tmp/vt-images-");
  registry = await ScriptedRegistry.start();
  registry.add("lib/app", "1", app);
  registry.add("lib/app", "2", app);
  registry.add("else/app", "x", app);
  registry.add("lib/other", "1", other);
  await boot();
});

afterEach(async () => {
  shutdown();
  await registry.stop();
  await rm(root, { recursive: true, force: true });
});

const pull = (name: string) => images.pull(context, spec(`${registry.host}/${name}`));
const ownImages = () =>
  images.list().filter(({ repoTags }) => !repoTags.some((tag) => tag.startsWith("vitrine.local/")));
const layerDirectories = async () => (await readdir(join(root, "snapshots"))).length;

describe("names", () => {
  test("the pull's answer is the image's id, and the image is listed at once", async () => {
    const id = await pull("lib/app:1");
    expect(id).toBe(app.config.digest);
    const [listed] = ownImages();
    expect(listed).toMatchObject({
      id,
      repoTags: [`${registry.host}/lib/app:1`],
      repoDigests: [`${registry.host}/lib/app@${app.manifest.digest}`],
      uid: { value: 33 },
      username: "",
      pinned: false,
    });
    expect(listed?.size).toBe([...app.blobs.values()].reduce((sum, { length }) => sum + length, 0));
    expect(images.resolve(id).config.Env).toEqual(["A=1"]);
  });

  test("several names of one image are one image; removing one removes all, also of other repositories", async () => {
    const ids = [
      await pull("lib/app:1"),
      await pull("lib/app:2"),
      await pull("else/app:x"),
      await pull(`lib/app@${app.manifest.digest}`),
    ];
    expect(new Set(ids).size).toBe(1);
    expect(ownImages()).toHaveLength(1);
    expect(ownImages()[0]?.repoTags).toHaveLength(3);
    await images.remove(context, spec(`${registry.host}/lib/app:2`));
    expect(ownImages()).toEqual([]);
    for (const name of ["lib/app:1", "else/app:x"])
      expect(images.status(spec(`${registry.host}/${name}`), false).image).toBeUndefined();
    await images.remove(context, spec(`${registry.host}/lib/app:2`));
  });

  test("an image is found by id, bare id, beginning of the id, tag and digest", async () => {
    const id = await pull("lib/app:1");
    for (const text of [
      id,
      id.slice(7),
      id.slice(7, 19),
      `${registry.host}/lib/app:1`,
      `${registry.host}/lib/app@${app.manifest.digest}`,
    ]) {
      expect(images.status(spec(text), false).image?.id).toBe(id);
      expect(images.list({ image: spec(text) })).toHaveLength(1);
    }
    expect(images.status(spec("none"), false).image).toBeUndefined();
    expect(images.list({ image: spec("none") })).toEqual([]);
    expect(JSON.parse(images.status(spec(id), true).info["info"] ?? "")).toMatchObject({
      imageSpec: { config: { Env: ["A=1"] } },
    });
  });

  test("a tag that moves leaves the old image with its digest only", async () => {
    await pull("lib/app:1");
    registry.add("lib/app", "1", other);
    const moved = await pull("lib/app:1");
    expect(moved).toBe(other.config.digest);
    expect(images.resolve(app.config.digest).repoTags).toEqual([]);
    expect(images.status(spec(moved), false).image).toMatchObject({ username: "www-data" });
  });

  test("pulls of one name at once are one pull; malformed names are INVALID_ARGUMENT", async () => {
    await Promise.all([1, 2, 3, 4].map(() => pull("lib/app:1")));
    expect(registry.requests.filter(({ url }) => url.includes("/manifests/1"))).toHaveLength(1);
    for (const text of ["", "UPPER", "a@b"])
      await expect(images.pull(context, spec(text))).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    expect(() => images.resolve("none")).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
  });

  test("one caller's deadline ends its wait, not the pull of the others", async () => {
    const impatient = new AbortController();
    const both = [
      images.pull(testContext(impatient.signal).context, spec(`${registry.host}/lib/app:1`)),
      pull("lib/app:1"),
    ];
    impatient.abort();
    await expect(both[0]).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(await both[1]).toBe(app.config.digest);
  });

  test("five removals at once all succeed", async () => {
    const id = await pull("lib/app:1");
    await Promise.all(Array.from({ length: 5 }, () => images.remove(context, spec(id))));
    expect(ownImages()).toEqual([]);
  });
});

describe("layers", () => {
  test("are shared between images, and go with the last that needs them", async () => {
    const before = await layerDirectories();
    await pull("lib/app:1");
    await pull("lib/other:1");
    expect(await layerDirectories()).toBe(before + 3);
    await images.remove(context, spec(app.config.digest));
    expect(await layerDirectories()).toBe(before + 2);
    await images.remove(context, spec(other.config.digest));
    expect(await layerDirectories()).toBe(before);
    for (const digest of [...app.blobs.keys(), ...other.blobs.keys()])
      expect(await world.content.has(digest)).toBe(false);
  });

  test("stay below a container whose image was removed", async () => {
    const before = await layerDirectories();
    await pull("lib/app:1");
    await snapshots.prepare(context, "c1", images.resolve(app.config.digest).chainId, {
      readonly: false,
    });
    await images.remove(context, spec(app.config.digest));
    expect(await layerDirectories()).toBe(before + 3);
    expect(snapshots.mountOf("c1")?.lower).toHaveLength(2);
    await snapshots.remove(context, "c1");
    expect(await layerDirectories()).toBe(before);
  });

  test("are what a mounted root shows, with writes kept apart", async () => {
    await pull("lib/app:1");
    const { chainId } = images.resolve(app.config.digest);
    const target = join(root, "mnt");
    await mkdir(target);
    const host = (ops: readonly Op[]) =>
      world.kernel.run(context, {
        name: "test",
        steps: ops.map((op) => ({ process: "host", op })),
      });
    for (const readonly of [false, true]) {
      const mount = await snapshots.prepare(context, "c1", chainId, { readonly });
      await host(mount.ops(target));
      try {
        expect(await readdir(target)).toEqual(["app", "shared"]);
        const write = writeFile(join(target, "app"), "changed by a container");
        await (readonly ? expect(write).rejects.toMatchObject({ code: "EROFS" }) : write);
      } finally {
        await host([{ op: "umount", path: target, detach: false }]);
      }
      const usage = await snapshots.usage("c1");
      expect(usage.inodes > 1).toBe(!readonly);
      await snapshots.remove(context, "c1");
    }
    expect(await readFile(join(root, "snapshots", "3", "fs", "shared"), "utf8")).toBe("shared");
  });

  test("count in ImageFsInfo, whose mount point is a directory", async () => {
    const before = (await images.fsInfo()).imageFilesystems[0];
    await pull("lib/app:1");
    const after = (await images.fsInfo()).imageFilesystems[0];
    expect(Number(after?.usedBytes?.value)).toBeGreaterThan(Number(before?.usedBytes?.value));
    expect(Number(after?.inodesUsed?.value)).toBeGreaterThan(Number(before?.inodesUsed?.value));
    expect((await world.kernel.files.stat(after?.fsId?.mountpoint ?? ""))?.type).toBe("directory");
  });
});

describe("after a crash", () => {
  class Crash extends Error {}

  test.each<CrashPoint>(["I4", "I5", "I6", "I7"])(
    "at %s nothing is half there, and the next pull succeeds",
    async (at) => {
      shutdown();
      let armed = false;
      await boot((point) => {
        if (armed && point === at) throw new Crash(point);
      });
      armed = true;
      // A dead daemon undoes nothing: the rollback is kept from running as well.
      world.kernel.runApart = () => Promise.reject(new Crash("gone"));
      world.kernel.run = new Proxy(world.kernel.run, {
        apply: (run, self, [inner, plan]) =>
          /remove/.test((plan as { name: string }).name)
            ? Promise.reject(new Crash("gone"))
            : Reflect.apply(run, self, [inner, plan]),
      });
      await expect(pull("lib/app:1")).rejects.toThrow(at);
      shutdown();
      await boot();
      expect(await pull("lib/app:1")).toBe(app.config.digest);
      expect(
        images
          .resolve(app.config.digest)
          .layers.every(({ chainId }) => snapshots.hasLayer(chainId)),
      ).toBe(true);
      await images.remove(context, spec(app.config.digest));
      expect(await layerDirectories()).toBe(2);
    },
  );

  test("directories without a record go, records without a directory harm nobody", async () => {
    await mkdir(join(root, "snapshots", "4711", "fs"), { recursive: true });
    await mkdir(join(root, "snapshots", "not ours"));
    shutdown();
    await boot();
    expect(await layerDirectories()).toBe(2);
    const first = await snapshots.prepare(context, "c1", "", { readonly: false });
    const again = await snapshots.prepare(context, "c1", "", { readonly: false });
    expect(again.upper).not.toBe(first.upper);
    expect(await layerDirectories()).toBe(3);
  });

  test("images and snapshots are known again", async () => {
    await pull("lib/app:1");
    await snapshots.prepare(context, "c1", images.resolve(app.config.digest).chainId, {
      readonly: false,
    });
    shutdown();
    await boot();
    expect(images.resolve(`${registry.host}/lib/app:1`).id).toBe(app.config.digest);
    expect(snapshots.keys()).toEqual(["c1"]);
    expect(images.list().find(({ pinned }) => pinned)?.repoTags).toEqual(["vitrine.local/pause:1"]);
  });
});

test("a layer whose content is not what the configuration says fails the pull and leaves nothing", async () => {
  const broken: SampleImage = { ...app, blobs: new Map(app.blobs) };
  const config = JSON.parse(Buffer.from(app.blobs.get(app.config.digest) ?? []).toString()) as {
    rootfs: { diff_ids: string[] };
  };
  expect(config.rootfs.diff_ids).toHaveLength(2);
  const lying = sampleImage([shared, { files: [{ name: "x" }] }]);
  const forged = JSON.parse(
    Buffer.from(lying.blobs.get(lying.manifest.digest) ?? []).toString(),
  ) as { layers: object[] };
  expect(forged.layers).toHaveLength(2);
  const manifest = Buffer.from(JSON.stringify({ ...forged, config: app.config }));
  registry.handler = (request, response) => {
    if (!request.url?.includes("/manifests/forged")) return false;
    response.writeHead(200, { "content-type": app.manifest.mediaType }).end(manifest);
    return true;
  };
  registry.add("lib/lying", "1", lying);
  registry.add("lib/broken", "1", broken);
  const before = await layerDirectories();
  await expect(pull("lib/app:forged")).rejects.toMatchObject({ code: "DATA_LOSS" });
  expect(ownImages()).toEqual([]);
  // The lower layer was good, but no image that can be pulled has it.
  expect(await layerDirectories()).toBe(before);
});
