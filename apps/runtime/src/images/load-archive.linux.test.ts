/** Archives as skopeo writes them, and as somebody with bad intentions would. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileContentStore, hostPlatform } from "./content-store.ts";
import { sampleImage, writeLayout } from "./fixtures/sample-image.ts";
import { testContext } from "./fixtures/test-context.ts";
import { programs } from "./fixtures/unpack-fixture.ts";
import { writeTar } from "./tar-writer.ts";

const image = sampleImage([
  { files: [{ name: "one", data: Buffer.from("1") }], form: "gzip" },
  { files: [{ name: "two", data: Buffer.from("2") }], form: "plain" },
]);
const foreign = sampleImage([{ files: [{ name: "other" }] }], {}, "s390x");

let directory: string;
let layout: string;
let store: FileContentStore;

beforeEach(async () => {
  directory = await mkdtemp("/tmp/vt-archive-");
  layout = join(directory, "layout");
  await writeLayout(layout, {
    "example.test/app:1": [image],
    "example.test/both:1": [foreign, image],
  });
  store = new FileContentStore({
    directory: join(directory, "content"),
    programs,
    platform: hostPlatform(),
  });
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const load = (path: string) => store.load(testContext().context, path);
const skopeo = (...words: string[]) =>
  execFileSync("skopeo", ["copy", "--quiet", "--insecure-policy", ...words]);

test("an OCI layout, as a directory and as a tar, also compressed", async () => {
  const archive = join(directory, "layout.tar");
  execFileSync("tar", ["-cf", archive, "-C", layout, "."]);
  execFileSync("gzip", ["-k", archive]);
  for (const path of [layout, archive, `${archive}.gz`]) {
    const loaded = await load(path);
    expect(loaded.map(({ references }) => references)).toEqual([
      ["example.test/app:1"],
      ["example.test/both:1"],
    ]);
    expect(loaded.map(({ image: { config } }) => config.digest)).toEqual([
      image.config.digest,
      image.config.digest,
    ]);
    for (const { digest } of [image.manifest, image.config, ...image.layers])
      expect(await store.has(digest)).toBe(true);
  }
  expect(await readdir(join(directory, "content", "ingest"))).toEqual([]);
});

test("a docker-archive of skopeo keeps its tags, its configuration's digest and its layers", async () => {
  const archive = join(directory, "docker.tar");
  skopeo(`oci:${layout}:example.test/app:1`, `docker-archive:${archive}:example.test/app:2`);
  const [loaded] = await load(archive);
  expect(loaded?.references).toEqual(["example.test/app:2"]);
  expect(loaded?.image.layers).toHaveLength(2);
  const config = (await store.readJson(loaded?.image.config.digest ?? "", 1 << 20)) as {
    rootfs: { diff_ids: string[] };
  };
  expect(config.rootfs.diff_ids).toEqual(image.diffIds);
  for (const [index, layer] of (loaded?.image.layers ?? []).entries()) {
    const target = join(directory, `target${index}`);
    await mkdir(target);
    await store.unpack(testContext().context, layer, image.diffIds[index] ?? "", target);
    expect(await readdir(target)).toEqual([["one"], ["two"]][index]);
  }
});

test("a blob that is not what its name says is DATA_LOSS", async () => {
  const hex = image.layers[0]?.digest.slice(7) ?? "";
  const blob = join(layout, "blobs", "sha256", hex);
  const bytes = await readFile(blob);
  await writeFile(blob, Buffer.from(bytes).fill("x"));
  execFileSync("tar", ["-cf", join(directory, "bad.tar"), "-C", layout, "."]);
  await expect(load(join(directory, "bad.tar"))).rejects.toMatchObject({ code: "DATA_LOSS" });
});

test.each<readonly [string, Parameters<typeof writeTar>[0], RegExp]>([
  ["nothing", [], /manifest.json is missing/],
  [
    "a manifest.json that is no JSON",
    [{ name: "manifest.json", data: Buffer.from("{") }],
    /no JSON/,
  ],
  [
    "a manifest.json of the wrong shape",
    [{ name: "manifest.json", data: Buffer.from('[{"Config":1}]') }],
    /lists no images/,
  ],
  [
    "a configuration that is missing",
    [{ name: "manifest.json", data: Buffer.from('[{"Config":"../x","Layers":[]}]') }],
    /missing/,
  ],
  [
    "an index.json that is no index",
    [
      { name: "oci-layout" },
      { name: "index.json", data: Buffer.from('{"layers":[],"config":{}}') },
    ],
    /./,
  ],
])("an archive with %s is refused and leaves no ingest", async (_name, files, message) => {
  const path = join(directory, "bad.tar");
  await writeFile(path, writeTar(files));
  await expect(load(path)).rejects.toMatchObject({ message: expect.stringMatching(message) });
  const left = await readdir(join(directory, "content", "ingest")).catch(() => []);
  expect(left).toEqual([]);
});

test("a path that is not there, or not absolute, is INVALID_ARGUMENT", async () => {
  await expect(load(join(directory, "none"))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(load("relative.tar")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("the images of the program are the same bytes every time", async () => {
  const first = await store.builtin();
  const again = await new FileContentStore({
    directory: join(directory, "other"),
    programs,
    platform: hostPlatform(),
  }).builtin();
  expect(again).toEqual(first);
  expect(first.map(({ references }) => references)).toEqual([
    ["vitrine.local/pause:1"],
    ["vitrine.local/demo:1"],
  ]);
});
