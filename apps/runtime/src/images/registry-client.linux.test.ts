/** Pulls from Debian's docker-registry: what a registry really sends, and what a broken network makes of it. */
import { execFileSync, spawn } from "node:child_process";
import { createSign } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BlobStore } from "./blob-store.ts";
import { hostPlatform } from "./content-store.ts";
import { CuttingProxy } from "./fixtures/cutting-proxy.ts";
import { RealRegistry } from "./fixtures/real-registry.ts";
import { noise, type SampleImage, sampleImage, sampleIndex } from "./fixtures/sample-image.ts";
import { realClock, realRandom, testContext } from "./fixtures/test-context.ts";
import { RegistryClient, type RegistryClientOptions } from "./registry-client.ts";

const small = sampleImage([
  { files: [{ name: "hello", data: Buffer.from("hello\n") }], form: "gzip" },
  { files: [{ name: "more", data: Buffer.from("more\n") }], form: "zstd" },
  { files: [{ name: "plain", data: Buffer.from("plain\n") }], form: "plain" },
]);
const foreign = sampleImage([{ files: [{ name: "other" }] }], {}, "s390x");
const large = sampleImage([{ files: [{ name: "noise", data: noise(8 << 20) }], form: "plain" }]);

let registry: RealRegistry;
let directory: string;
let store: BlobStore;
const clients: RegistryClient[] = [];

function client(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  const made = new RegistryClient({
    blobs: store,
    platform: hostPlatform(),
    clock: realClock,
    random: realRandom,
    retry: { firstDelayMs: 5 },
    progressTimeoutMs: 5000,
    ...options,
  });
  clients.push(made);
  return made;
}

async function expectWhole(image: SampleImage): Promise<void> {
  for (const digest of image.blobs.keys()) {
    // read() verifies the digest; comparing megabytes byte by byte is left to it.
    expect((await store.read(digest, 64 << 20)).length).toBe(image.blobs.get(digest)?.length);
  }
  expect(await readdir(join(directory, "ingest"))).toEqual([]);
}

beforeAll(async () => {
  registry = await RealRegistry.start();
  await registry.push("lib/small", "1", [small]);
  await registry.push("lib/both", "1", [foreign, small]);
  await registry.push("lib/foreign", "1", [foreign]);
  await registry.push("lib/large", "1", [large]);
});

afterAll(() => registry.stop());

beforeEach(async () => {
  directory = await mkdtemp("/tmp/vt-content-");
  store = new BlobStore(directory);
});

afterEach(async () => {
  for (const made of clients.splice(0)) made.close();
  await rm(directory, { recursive: true, force: true });
});

describe("a pull from docker-registry", () => {
  test("by tag: gzip, zstd and plain layers, each verified", async () => {
    const { context, spans } = testContext();
    const image = await client().fetch(context, `${registry.host}/lib/small:1`, undefined);
    expect(image.targetDigest).toBe(small.manifest.digest);
    expect(image.config.digest).toBe(small.config.digest);
    expect(image.layers.map(({ digest }) => digest)).toEqual(
      small.layers.map(({ digest }) => digest),
    );
    expect(image.sizeBytes).toBe(
      [...small.blobs.values()].reduce((sum, { length }) => sum + length, 0),
    );
    expect(spans.map(({ step }) => step).sort()).toEqual([
      ...Array(4).fill("image.fetch"),
      "image.resolve",
    ]);
    await expectWhole(small);
  });

  test("by digest", async () => {
    const reference = `${registry.host}/lib/small@${small.manifest.digest}`;
    const image = await client().fetch(testContext().context, reference, undefined);
    expect(image.targetDigest).toBe(small.manifest.digest);
    await expectWhole(small);
  });

  test("of an index takes the image of this platform, and names the index as target", async () => {
    const image = await client().fetch(
      testContext().context,
      `${registry.host}/lib/both:1`,
      undefined,
    );
    expect(image.targetDigest).toBe(sampleIndex([foreign, small]).digest);
    expect(image.manifest.digest).toBe(small.manifest.digest);
    expect(await store.size(foreign.config.digest)).toBeUndefined();
    expect(await store.size(image.targetDigest)).toBeGreaterThan(0);
  });

  test("of what is not there is NOT_FOUND with the registry's own words", async () => {
    const pull = client().fetch(testContext().context, `${registry.host}/lib/none:1`, undefined);
    await expect(pull).rejects.toMatchObject({ code: "NOT_FOUND", message: /manifest unknown/i });
  });

  test("asks only once for what is here already", async () => {
    await client().fetch(testContext().context, `${registry.host}/lib/small:1`, undefined);
    const { context, spans } = testContext();
    await client().fetch(context, `${registry.host}/lib/small:1`, undefined);
    expect(spans.map(({ step }) => step)).toEqual(["image.resolve"]);
  });

  test("twice at once downloads each blob once", async () => {
    const { context, spans } = testContext();
    const one = client();
    const reference = `${registry.host}/lib/large:1`;
    await Promise.all([1, 2, 3].map(() => one.fetch(context, reference, undefined)));
    expect(spans.filter(({ step }) => step === "image.fetch")).toHaveLength(
      large.layers.length + 1,
    );
    await expectWhole(large);
  });

  test("with a deadline that has passed is DEADLINE_EXCEEDED, and the store is clean", async () => {
    const deadline = new AbortController();
    const { context } = testContext(deadline.signal);
    setTimeout(() => deadline.abort(), 1);
    const pull = client().fetch(context, `${registry.host}/lib/large:1`, undefined);
    await expect(pull).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(await store.list()).toEqual([]);
  });

  test("without anybody listening is UNAVAILABLE", async () => {
    const pull = client().fetch(testContext().context, "127.0.0.1:9/lib/small:1", undefined);
    await expect(pull).rejects.toMatchObject({ code: "UNAVAILABLE", message: /ECONNREFUSED/ });
  });
});

describe("a connection that breaks", () => {
  test("is carried on by Range until the blob is whole", async () => {
    const proxy = await CuttingProxy.start(registry.host, 3 << 20);
    try {
      const { context, spans } = testContext();
      await client().fetch(context, `${proxy.host}/lib/large:1`, undefined);
      const fetched = spans.find(
        ({ attributes }) =>
          attributes["vitrine.image.digest"] === large.layers[0]?.digest &&
          attributes["vitrine.image.attempts"],
      );
      expect(proxy.cuts).toBeGreaterThanOrEqual(2);
      expect(fetched?.attributes["vitrine.image.attempts"]).toBe(3);
      await expectWhole(large);
    } finally {
      await proxy.stop();
    }
  });

  test("for good keeps what came, for the next pull", async () => {
    const proxy = await CuttingProxy.start(registry.host, 3 << 20);
    const reference = `${proxy.host}/lib/large:1`;
    const tries = client({ retry: { triesMax: 0 } }).fetch(
      testContext().context,
      reference,
      undefined,
    );
    await expect(tries).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await proxy.stop();
    const { context, spans } = testContext();
    await client().fetch(context, `${registry.host}/lib/large:1`, undefined);
    const resumed = spans.map(({ attributes }) =>
      Number(attributes["vitrine.image.resumed_bytes"] ?? 0),
    );
    expect(Math.max(...resumed)).toBeGreaterThan(1 << 20);
    await expectWhole(large);
  });

  test("by kill -9 in the middle of a blob: another process carries on", async () => {
    const program = `
      import { BlobStore } from "${import.meta.dirname}/blob-store.ts";
      import { hostPlatform } from "${import.meta.dirname}/content-store.ts";
      import { RegistryClient } from "${import.meta.dirname}/registry-client.ts";
      import { realClock, realRandom, testContext } from "${import.meta.dirname}/fixtures/test-context.ts";
      let seen = 0;
      const client = new RegistryClient({
        blobs: new BlobStore(${JSON.stringify(directory)}), platform: hostPlatform(), clock: realClock, random: realRandom,
        crashPoint: (point) => { if (point === "I2" && ++seen === 40) process.kill(process.pid, "SIGKILL"); },
      });
      await client.fetch(testContext().context, ${JSON.stringify(`${registry.host}/lib/large:1`)}, undefined);`;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program], {
      stdio: "inherit",
    });
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    expect(await readdir(join(directory, "ingest"))).toContain(large.layers[0]?.digest.slice(7));
    const { context, spans } = testContext();
    await client().fetch(context, `${registry.host}/lib/large:1`, undefined);
    const resumed = spans.map(({ attributes }) =>
      Number(attributes["vitrine.image.resumed_bytes"] ?? 0),
    );
    expect(Math.max(...resumed)).toBeGreaterThan(0);
    await expectWhole(large);
  });

  test("what a crash left is thrown away when it is the wrong part", async () => {
    const digest = large.layers[0]?.digest ?? "";
    const ingest = await store.resume(digest);
    await ingest.write(Buffer.alloc(1 << 20, "x"));
    await ingest.suspend();
    await client().fetch(testContext().context, `${registry.host}/lib/large:1`, undefined);
    await expectWhole(large);
  });
});

describe("a full disk", () => {
  test("is RESOURCE_EXHAUSTED; earlier images stay whole and the part is gone", async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "vt-content", directory]);
    try {
      await client().fetch(testContext().context, `${registry.host}/lib/small:1`, undefined);
      const pull = client().fetch(testContext().context, `${registry.host}/lib/large:1`, undefined);
      await expect(pull).rejects.toMatchObject({
        code: "RESOURCE_EXHAUSTED",
        message: /no space left/,
      });
      await expectWhole(small);
    } finally {
      execFileSync("umount", [directory]);
    }
  });
});

describe("a registry that wants to know who asks", () => {
  // bcrypt of "secret", as crypt(3) makes it.
  const htpasswd = "ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";
  let guarded: RealRegistry;

  afterEach(() => guarded.stop());

  test("basic credentials, in all the forms the CRI has for them", async () => {
    const file = join(registry.directory, "htpasswd");
    await writeFile(file, htpasswd);
    guarded = await RealRegistry.start({
      storage: registry.storage,
      auth: `auth: {htpasswd: {realm: test, path: ${file}}}`,
    });
    const reference = `${guarded.host}/lib/small:1`;
    const pull = (auth?: object) => client().fetch(testContext().context, reference, auth);
    await expect(pull()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    await expect(pull({ username: "ann", password: "wrong" })).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
    await expect(
      pull({ username: "ann", password: "secret", serverAddress: "elsewhere.test" }),
    ).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
    await pull({ username: "ann", password: "secret", serverAddress: guarded.host });
    await pull({ auth: Buffer.from("ann:secret").toString("base64") });
    await expectWhole(small);
  });

  test("bearer tokens from the service it names", async () => {
    const at = registry.directory;
    execFileSync(
      "openssl",
      [
        ..."req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test".split(" "),
        ...["-keyout", join(at, "key.pem"), "-out", join(at, "cert.pem")],
      ],
      { stdio: "ignore" },
    );
    const key = await readFile(join(at, "key.pem"));
    const pem = await readFile(join(at, "cert.pem"), "utf8");
    const asked: (string | undefined)[] = [];
    const tokens = createServer((request, response) => {
      asked.push(request.headers.authorization);
      const query = new URL(request.url ?? "", "http://x").searchParams;
      const [type, name, actions = ""] = (query.get("scope") ?? "").split(":");
      const now = Math.floor(Date.now() / 1000);
      const good =
        request.headers.authorization === `Basic ${Buffer.from("ann:secret").toString("base64")}`;
      const access = good ? [{ type, name, actions: actions.split(",") }] : [];
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const x5c = [pem.replace(/-----[^-]+-----|\s/g, "")];
      const claims = {
        iss: "test",
        sub: "ann",
        aud: query.get("service"),
        exp: now + 60,
        nbf: now - 5,
        iat: now,
        jti: "1",
        access,
      };
      const body = `${part({ typ: "JWT", alg: "RS256", x5c })}.${part(claims)}`;
      const signature = createSign("RSA-SHA256").update(body).sign(key).toString("base64url");
      response.end(JSON.stringify({ token: `${body}.${signature}` }));
    }).listen(0, "127.0.0.1");
    await once(tokens, "listening");
    const address = tokens.address();
    const realm = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/token`;
    guarded = await RealRegistry.start({
      storage: registry.storage,
      auth: `auth: {token: {realm: "${realm}", service: test-registry, issuer: test, rootcertbundle: ${join(at, "cert.pem")}}}`,
    });
    try {
      const { context, spans } = testContext();
      const reference = `${guarded.host}/lib/small:1`;
      await client().fetch(context, reference, { username: "ann", password: "secret" });
      expect(spans.filter(({ step }) => step === "image.token")).toHaveLength(1);
      await expectWhole(small);
      const anonymous = client().fetch(testContext().context, reference, undefined);
      await expect(anonymous).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
      expect(asked.at(-1)).toBeUndefined();
    } finally {
      tokens.closeAllConnections();
      tokens.close();
    }
  });
});

describe("a mirror of hosts.toml", () => {
  async function hosts(domain: string, text: string): Promise<string> {
    const certs = join(directory, "certs.d");
    await mkdir(join(certs, domain), { recursive: true });
    await writeFile(join(certs, domain, "hosts.toml"), text);
    return certs;
  }

  test("is asked instead of a registry that does not exist", async () => {
    const certs = await hosts(
      "registry.example.test",
      `[host."http://${registry.host}"]\ncapabilities = ["pull", "resolve"]`,
    );
    const made = client({ hostsDirectories: [certs] });
    const image = await made.fetch(
      testContext().context,
      "registry.example.test/lib/small:1",
      undefined,
    );
    expect(image.targetDigest).toBe(small.manifest.digest);
  });

  test("that is dead is passed over", async () => {
    const certs = await hosts(
      "_default",
      `server = "http://${registry.host}"\n[host."http://127.0.0.1:9"]`,
    );
    const made = client({ hostsDirectories: [certs] });
    await made.fetch(testContext().context, "registry.example.test/lib/small:1", undefined);
    await expectWhole(small);
  });

  test("without the resolve capability is not asked for tags", async () => {
    const certs = await hosts(
      "registry.example.test",
      `server = "http://127.0.0.1:9"\n[host."http://${registry.host}"]\ncapabilities = ["pull"]`,
    );
    const made = client({ hostsDirectories: [certs] });
    const byTag = made.fetch(testContext().context, "registry.example.test/lib/small:1", undefined);
    await expect(byTag).rejects.toMatchObject({ code: "UNAVAILABLE" });
    const byDigest = `registry.example.test/lib/small@${small.manifest.digest}`;
    await made.fetch(testContext().context, byDigest, undefined);
    await expectWhole(small);
  });
});
