import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { testContext } from "../../../images/fixtures/test-context.ts";
import type { FetchedImage } from "../../world.ts";
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_RDONLY, O_WRONLY } from "../abi.ts";
import {
  close,
  getxattr,
  mkdirat,
  openat2,
  readlinkat,
  readNow,
  statat,
  writeNow,
} from "../syscall/file.ts";
import { linkSet } from "../syscall/socket.ts";
import type { StoredFileSystem } from "../vfs/stored-file-system.ts";
import { Simulation } from "../world/simulation.ts";
import { buildLayer } from "./image-builder.ts";
import { readShared } from "./shared-content.ts";
import type { SimContentStore } from "./sim-content-store.ts";

const host = { turn: () => setImmediate() };
const busybox = "docker.io/library/busybox:latest";
const nginx = "docker.io/library/nginx:latest";

function bed(faults: readonly string[] = []) {
  const simulation = new Simulation({ seed: 7, host, faults });
  const world = simulation.startDaemon();
  const process = simulation.daemon;
  if (process === undefined) throw new Error("no daemon");
  const { context, spans } = testContext();
  const seconds = () => Number(simulation.machine.scheduler.nowNs / 1_000_000_000n);
  return {
    simulation,
    world,
    process,
    spans,
    context,
    seconds,
    store: world.content as SimContentStore,
    pull: (reference: string, auth?: { username: string; password: string }) =>
      simulation.drive(world.registry.fetch(context, reference, auth)),
    async unpack(image: FetchedImage, index: number, target: string, lower: string[] = []) {
      const layer = image.layers[index];
      if (layer === undefined) throw new Error("no such layer");
      mkdirat(process, AT_FDCWD, target, 0o755);
      await simulation.drive(world.content.unpack(context, layer, layer.digest, target, lower));
    },
    text: (path: string) => new TextDecoder().decode(readShared(process, AT_FDCWD, path)),
    put(path: string, text: string) {
      const fd = openat2(process, AT_FDCWD, path, { flags: O_WRONLY });
      writeNow(process, fd, new TextEncoder().encode(text));
      close(process, fd);
    },
  };
}

const codes = (work: Promise<unknown>) =>
  work.then(
    () => "OK",
    (error: { code: string }) => error.code,
  );

describe("pulling", () => {
  test("an index, its manifest, config and layers, each with its step, each blob once", async () => {
    const at = bed();
    const image = await at.pull(nginx);
    expect(at.spans.map(({ step }) => step)).toEqual([
      "image.resolve",
      "image.token",
      ...Array.from({ length: 5 }, () => "image.fetch"),
    ]);
    expect(at.spans[0]?.attributes).toMatchObject({
      "container.image.name": nginx,
      "server.address": "registry-1.docker.io",
      "vitrine.image.digest": image.targetDigest,
    });
    expect(image.targetDigest).not.toBe(image.manifest.digest);
    expect(await at.store.list()).toHaveLength(2 + 5);
    const config = (await at.world.content.readJson(image.config.digest, 1 << 20)) as {
      rootfs: { diff_ids: string[] };
    };
    expect(config.rootfs.diff_ids).toEqual(image.layers.map(({ digest }) => digest));
    expect(image.sizeBytes).toBeGreaterThan(400_000);
    at.spans.length = 0;
    expect(await at.pull(`docker.io/library/nginx@${image.targetDigest}`)).toEqual(image);
    expect(at.spans.map(({ step }) => step)).toEqual(["image.resolve", "image.token"]);
  });

  test("the same seed gives the same image at the same virtual time", async () => {
    const [a, b] = [bed(), bed()];
    expect(await a.pull(nginx)).toEqual(await b.pull(nginx));
    expect(a.simulation.machine.scheduler.nowNs).toBe(b.simulation.machine.scheduler.nowNs);
    expect(a.simulation.machine.scheduler.nowNs).toBeGreaterThan(1_100_000_000n);
  });

  const refusals: [string, string, string][] = [
    ["NOT_FOUND", "docker.io/library/nope:latest", "404 (repository name not known"],
    ["NOT_FOUND", "docker.io/library/nginx:nope", "404 (manifest unknown)"],
    ["NOT_FOUND", "docker.io/vitrine/foreign:latest", "only for linux/s390x, linux/ppc64le"],
    ["UNAUTHENTICATED", "docker.io/vitrine/private:latest", "401"],
    ["DATA_LOSS", "docker.io/vitrine/wrong-digest:latest", "digest"],
    ["UNAVAILABLE", "quay.io/a/b:latest", "ENOTFOUND quay.io"],
    ["INVALID_ARGUMENT", "nginx", "no full image reference"],
  ];
  test.each(refusals)("%s %s", async (code, reference, words) => {
    const at = bed();
    await expect(at.pull(reference)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    });
  });

  test("a private image with credentials", async () => {
    const at = bed();
    const auth = { username: "u", password: "p" };
    expect(await codes(at.pull("docker.io/vitrine/private:latest", auth))).toBe("OK");
  });

  test("the registry is as far away as the machine's network says", async () => {
    const at = bed();
    linkSet(at.simulation.machine.init, "eth0", { up: false });
    await expect(at.pull(busybox)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining("connect ENETUNREACH 198.51.100.20:443"),
    });
  });
});

describe("faults", () => {
  test("a connection that breaks at a byte is carried on from there", async () => {
    const at = bed(["registry=drop@4096"]);
    const image = await at.pull(busybox);
    const fetched = at.spans.filter(({ step }) => step === "image.fetch");
    expect(
      fetched.find((span) => span.attributes["vitrine.image.digest"] === image.layers[0]?.digest)
        ?.attributes,
    ).toMatchObject({ "vitrine.image.attempts": 2, "vitrine.image.resumed_bytes": 0 });
  });

  test("a broken download stays on the disk, and the next daemon goes on", async () => {
    const at = bed();
    const pull = at.world.registry.fetch(at.context, nginx, undefined, ({ doneBytes }) => {
      if (doneBytes > 100_000) at.simulation.crashDaemon();
    });
    await at.simulation.drive(Promise.race([pull, at.simulation.crashed()]));
    const world = at.simulation.startDaemon();
    const { context, spans } = testContext();
    const image = await at.simulation.drive(world.registry.fetch(context, nginx, undefined));
    expect(image.layers).toHaveLength(4);
    const resumed = spans.map((span) => span.attributes["vitrine.image.resumed_bytes"] ?? 0);
    expect(Math.max(...(resumed as number[]))).toBeGreaterThan(100_000);
  });

  test("503 is tried four times, then UNAVAILABLE; 403 once", async () => {
    expect(await codes(bed(["registry=503"]).pull(busybox))).toBe("UNAVAILABLE");
    const forbidden = bed(["registry=403"]);
    expect(await codes(forbidden.pull(busybox))).toBe("PERMISSION_DENIED");
    expect(forbidden.seconds()).toBe(1);
  });

  test("a registry that hangs is given up by the deadline", async () => {
    const at = bed(["registry=hang"]);
    const controller = new AbortController();
    const { context } = testContext(controller.signal);
    const pull = at.world.registry.fetch(context, busybox, undefined);
    const deadline = at.simulation.clock
      .sleep(2000)
      .then(() => controller.abort(new Error("late")));
    const both = Promise.all([codes(pull), deadline]);
    expect((await at.simulation.drive(both))[0]).toBe("DEADLINE_EXCEEDED");
    expect(at.seconds()).toBe(3);
  });

  test("a blob damaged on disk is found out and removed", async () => {
    const at = bed();
    const { config } = await at.pull(busybox);
    at.put(at.store.blobs.path(config.digest), "x");
    const read = at.world.content.readJson(config.digest, 1 << 20);
    expect(await codes(at.simulation.drive(read))).toBe("DATA_LOSS");
    expect(await at.store.has(config.digest)).toBe(false);
  });

  test("a full disk is RESOURCE_EXHAUSTED and leaves nothing half done", async () => {
    const at = bed();
    const disk = at.simulation.machine.init.root.mount.fileSystem as StoredFileSystem;
    disk.blocksMax = disk.blocks + 8;
    expect(await codes(at.pull(nginx))).toBe("RESOURCE_EXHAUSTED");
    disk.blocksMax = undefined;
    expect(await codes(at.pull(nginx))).toBe("OK");
  });
});

describe("unpacking", () => {
  test("files share their bytes with the blob; modes, links and implied directories are right", async () => {
    const at = bed();
    const image = await at.pull(nginx);
    await at.unpack(image, 0, "/tmp/l0");
    await at.unpack(image, 1, "/tmp/l1", ["/tmp/l0"]);
    const blob = readShared(
      at.process,
      AT_FDCWD,
      at.store.blobs.path(image.layers[0]?.digest ?? ""),
    );
    const busyboxFile = readShared(at.process, AT_FDCWD, "/tmp/l0/bin/busybox");
    expect(busyboxFile.buffer).toBe(blob.buffer);
    expect(statat(at.process, AT_FDCWD, "/tmp/l0/tmp").mode).toBe(0o1777);
    expect(statat(at.process, AT_FDCWD, "/tmp/l0/root").mode).toBe(0o700);
    expect(readlinkat(at.process, AT_FDCWD, "/tmp/l0/bin/ls")).toBe("busybox");
    expect(statat(at.process, AT_FDCWD, "/tmp/l1/var/log").mtimeNs).toBe(
      statat(at.process, AT_FDCWD, "/tmp/l0/var/log").mtimeNs,
    );
    expect(at.text("/tmp/l1/usr/share/nginx/html/index.html")).toContain("Welcome to nginx!");
    at.put("/tmp/l1/etc/nginx/nginx.conf", "changed");
    const { digest } = image.layers[1] ?? { digest: "" };
    expect(at.store.blobs.read(digest, 1 << 30).length).toBe(image.layers[1]?.size);
  });

  test("a whiteout becomes a device 0/0", async () => {
    const at = bed();
    const image = await at.pull(nginx);
    await at.unpack(image, 3, "/tmp/l3");
    const path = "/tmp/l3/etc/nginx/conf.d/example_ssl.conf";
    expect(statat(at.process, AT_FDCWD, path)).toMatchObject({ type: "char", major: 0, minor: 0 });
  });

  test("links that lead out lead nowhere", async () => {
    const at = bed();
    const before = at.text("/etc/passwd");
    const image = await at.pull("docker.io/vitrine/hostile:latest");
    await at.unpack(image, 1, "/tmp/hostile");
    expect(at.text("/etc/passwd")).toBe(before);
    expect(at.text("/tmp/hostile/etc/passwd")).toContain("planted");
    expect(at.text("/tmp/hostile/etc/shadow")).toContain("planted");
    expect(at.text("/tmp/hostile/etc/cron.d/planted")).toContain("planted");
    expect(() => statat(at.process, AT_FDCWD, "/etc/cron.d/planted", AT_SYMLINK_NOFOLLOW)).toThrow(
      expect.objectContaining({ errno: "ENOENT" }),
    );
  });

  test("opaque directories, hard links, and what a broken layer leaves: nothing", async () => {
    const at = bed();
    const layerOf = async (entries: Parameters<typeof buildLayer>[0], target: string) => {
      const blob = buildLayer(entries);
      at.store.blobs.put(blob.bytes);
      mkdirat(at.process, AT_FDCWD, target, 0o755);
      const { descriptor } = blob;
      const work = at.world.content.unpack(at.context, descriptor, descriptor.digest, target);
      return codes(at.simulation.drive(work));
    };
    const good = await layerOf(
      [
        { path: "d/.wh..wh..opq" },
        { path: "a", content: "one" },
        { path: "b", type: "hardlink", target: "a" },
        { path: "dev-null", type: "char", major: 1, minor: 3, mode: 0o666 },
      ],
      "/tmp/good",
    );
    expect(good).toBe("OK");
    expect(getxattr(at.process, "/tmp/good/d", "trusted.overlay.opaque")).toHaveLength(1);
    expect(statat(at.process, AT_FDCWD, "/tmp/good/b").nlink).toBe(2);
    const bad = await layerOf(
      [
        { path: "a", content: "one" },
        { path: "b", type: "hardlink", target: "nowhere" },
      ],
      "/tmp/bad",
    );
    expect(bad).toBe("FAILED_PRECONDITION");
    const fd = openat2(at.process, AT_FDCWD, "/tmp/bad", { flags: O_RDONLY });
    expect(() => readNow(at.process, fd, 1)).toThrow(expect.objectContaining({ errno: "EISDIR" }));
    expect(() => statat(at.process, AT_FDCWD, "/tmp/bad/a")).toThrow();
    close(at.process, fd);
  });

  test("the images of the program come without a registry", async () => {
    const at = bed();
    const images = await at.simulation.drive(at.store.builtin());
    expect(images.map(({ references }) => references[0])).toEqual([
      "vitrine.local/pause:1",
      "vitrine.local/demo:1",
    ]);
    await at.unpack(images[1]?.image as FetchedImage, 0, "/tmp/demo");
    expect(at.text("/tmp/demo/demo")).toContain("vitrine-sim demo");
  });
});
