/**
 * `npm start`, whole: a real daemon, a real pod, the real page in a real browser; and after Ctrl-C nothing of
 * it. Also `npm run demo`, and what both say to somebody who is not root.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { Browser } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildNative, buildWeb } from "../../scripts/prepare.ts";
import { launchBrowser, openPage } from "../harness/page.ts";
import { leftBehind, residue } from "../harness/residue.ts";

const repository = join(import.meta.dirname, "../..");
const bootstrap = join(repository, "scripts/bootstrap.mjs");
let browser: Browser;

beforeAll(async () => {
  buildNative();
  buildWeb();
  browser = await launchBrowser();
});
afterAll(() => browser.close());

interface Started {
  readonly child: ChildProcess;
  output(): string;
  /** Resolves with the first match of what it prints. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  ended: Promise<number | null>;
}

function start(name: string, ...args: readonly string[]): Started {
  const child = spawn("node", [bootstrap, name, ...args], {
    cwd: repository,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return {
    child,
    output: () => output,
    async says(pattern) {
      await expect.poll(() => output, { timeout: 60_000 }).toMatch(pattern);
      return pattern.exec(output) as RegExpExecArray;
    },
    ended,
  };
}

/** Directories of private daemons. */
function directories(): readonly string[] {
  return readdirSync("/tmp").filter((name) => name.startsWith("vitrine-"));
}

/** The machine as it was: the kernel takes some links away a moment later. */
async function expectNothingLeft(before: ReturnType<typeof residue>): Promise<void> {
  await expect.poll(() => leftBehind(before, residue()), { timeout: 10_000 }).toEqual([]);
}

describe("npm start", () => {
  test("shows a real pod live, and Ctrl-C takes everything down", async () => {
    const before = residue();
    const known = directories();
    const started = start("start");
    const [, url] = await started.says(/dashboard {2}(http:\/\/127\.0\.0\.1:\d+\/\?token=\S+)/);
    const watched = await openPage(browser, url ?? "");
    const { page } = watched;
    await started.says(/Ctrl-C takes everything down/);
    await expect.poll(() => page.locator(".badge").textContent()).toBe("LIVE");
    const pods = page.getByRole("navigation", { name: "Pods" });
    await expect.poll(() => pods.textContent(), { timeout: 20_000 }).toMatch(/demo[\s\S]*ready/);
    await expect.poll(() => pods.textContent()).toMatch(/serve[\s\S]*running[\s\S]*fetch/);
    const picture = page.locator(".picture").filter({ hasText: "create container" }).first();
    await expect.poll(() => picture.count(), { timeout: 20_000 }).toBe(1);
    expect(watched.complaints).toEqual([]);
    await watched.close();
    process.kill(-(started.child.pid ?? 0), "SIGINT");
    expect(await started.ended).toBe(0);
    expect(started.output()).toMatch(/gone, without a trace/);
    expect(directories()).toEqual(known);
    await expectNothingLeft(before);
  });

  test("names what it does not know", async () => {
    const odd = start("start", "--prot", "1");
    expect(await odd.ended).toBe(2);
    expect(odd.output()).toMatch(/--prot/);
    const port = start("start", "--port", "70000");
    expect(await port.ended).toBe(2);
    expect(port.output()).toMatch(/0 to 65535/);
  });

  test("a port that is taken: says which, and that nothing stayed", async () => {
    const known = directories();
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const started = start("start", "--port", String(port));
    expect(await started.ended).toBe(1);
    other.close();
    expect(started.output()).toContain(`port ${port} of 127.0.0.1 is taken`);
    expect(started.output()).toMatch(/gone, without a trace/);
    expect(directories()).toEqual(known);
  });

  test("--simulated: no daemon, the page runs the scenario itself", async () => {
    const before = residue();
    const known = directories();
    const started = start("start", "--simulated");
    const [, url] = await started.says(/dashboard {2}(http:\/\/127\.0\.0\.1:\d+\/\?token=\S+)/);
    expect(directories()).toEqual(known);
    const watched = await openPage(browser, url ?? "");
    const { page } = watched;
    await expect.poll(() => page.locator(".badge").textContent()).toBe("SIMULATED");
    await page.getByRole("button", { name: /^A pod is born/ }).click();
    await expect
      .poll(() => page.locator(".simulation-words").textContent(), { timeout: 20_000 })
      .toBe("Done; nothing was left behind.");
    await expect.poll(() => page.locator(".picture [data-key]").count()).toBeGreaterThan(0);
    expect(watched.complaints).toEqual([]);
    await watched.close();
    process.kill(-(started.child.pid ?? 0), "SIGINT");
    expect(await started.ended).toBe(0);
    await expectNothingLeft(before);
  });

  test("without root says so in one sentence, and simulates", async (context) => {
    const readable = spawnSync("test", ["-r", join(repository, "package.json")], { uid: 65_432 });
    context.skip(readable.status !== 0, "the repository is closed to other users");
    const script = JSON.stringify(join(repository, "scripts/start.ts"));
    const program = `process.setuid(65432); await import(${script})`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      cwd: repository,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, HOME: "/tmp" },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    const dashboard = /dashboard {2}(http\S+)/;
    await expect.poll(() => output, { timeout: 60_000 }).toMatch(dashboard);
    expect(output).toMatch(/containers need root/);
    expect(output).toMatch(/SIMULATED/);
    const watched = await openPage(browser, dashboard.exec(output)?.[1] ?? "");
    await expect.poll(() => watched.page.locator(".badge").textContent()).toBe("SIMULATED");
    await watched.close();
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
  });
});

describe("npm run demo", () => {
  test("prints the sequence of a real pod and leaves nothing", async () => {
    const before = residue();
    const known = directories();
    const started = start("demo");
    expect(await started.ended).toBe(0);
    const output = started.output();
    expect(output).toMatch(/client +runtime/);
    expect(output).toMatch(/RunPodSandbox default\/demo/);
    expect(output).toMatch(/ADD vitrine-bridge/);
    expect(output).toMatch(/fetch wrote: 200: Hello/);
    expect(directories()).toEqual(known);
    await expectNothingLeft(before);
  });
});
