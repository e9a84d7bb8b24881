/** The simulated kernel in a real browser: the switch, runs, faults, what is said of them, and what leaves the page. */
import { chmodSync, chownSync, readFileSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { toldPod } from "../../apps/runtime/src/trace/fixture/told-pod.ts";
import { parseRecording } from "../../apps/runtime/src/trace/otlp.ts";
import { buildWeb } from "../../scripts/prepare.ts";
import { type Dashboard, startDashboard } from "../harness/dashboard.ts";
import { launchBrowser, openPage, type WatchedPage } from "../harness/page.ts";
import { momentsOf, TraceFeed } from "../harness/trace-feed.ts";

let browser: Browser;
let dashboard: Dashboard;
let watched: WatchedPage;
let page: Page;

beforeAll(async () => {
  buildWeb();
  browser = await launchBrowser();
  dashboard = await startDashboard(["--recording", ""]);
});
afterAll(async () => {
  await browser.close();
  await dashboard.stop();
});
beforeEach(async () => {
  watched = await openPage(browser, dashboard.url);
  page = watched.page;
});
afterEach(() => watched.close());

const words = () => page.locator(".simulation-words").innerText();
const runButton = () => page.getByRole("button", { name: "Run", exact: true });
const field = (name: string) => page.getByRole("textbox", { name });
const choice = (name: string) => page.getByRole("combobox", { name });
const arrows = () => page.locator(".picture [data-key]").count();
const ended = () => expect.poll(words, { timeout: 20_000 }).toMatch(/^(?:Done|It ended)/);

async function simulate(): Promise<void> {
  await page.getByRole("button", { name: "Simulated" }).click();
  await expect.poll(() => runButton().isEnabled()).toBe(true);
}

async function run(): Promise<void> {
  await runButton().click();
  await ended();
}

/** Chooses one of the page's save buttons and gives what the browser would keep. */
async function saved(name: RegExp): Promise<{ readonly name: string; readonly text: string }> {
  await page.locator("summary[aria-label=Save]").click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.locator(".menu-list").getByRole("button", { name }).click(),
  ]);
  return {
    name: download.suggestedFilename(),
    text: readFileSync(await download.path(), "utf8"),
  };
}

describe("the simulated kernel in the browser", () => {
  test("runs the demo pod, says SIMULATED, and leaves nothing", async () => {
    await simulate();
    expect(await page.locator(".badge").innerText()).toBe("SIMULATED");
    expect(await page.locator(".empty-sentence").innerText()).toMatch(
      /the same runtime, on a model of the kernel, in this browser alone/,
    );
    await run();
    expect(await words()).toBe("Done; nothing was left behind.");
    await expect.poll(() => page.locator(".picture svg").count()).toBeGreaterThan(0);
    expect(await page.locator(".watermark").innerText()).toBe("SIMULATED");
    expect(await page.locator(".facts").innerText()).toMatch(/demo-pod.*seed 1/);
    const pods = page.getByRole("navigation", { name: "Pods" });
    expect(await pods.locator(".pod-chosen .pod-name").innerText()).toBe("demo");
    // A run that is over at once is read from its top.
    expect(await page.locator(".stage").evaluate((stage) => stage.scrollTop)).toBe(0);
    expect(watched.complaints).toEqual([]);
  });

  test("the same seed is the same recording, another seed another one", async () => {
    await simulate();
    await run();
    const first = await saved(/Recording/);
    await run();
    expect((await saved(/Recording/)).text).toBe(first.text);
    await field("Seed").fill("2");
    await run();
    expect((await saved(/Recording/)).text).not.toBe(first.text);
    await page.getByRole("button", { name: "Another seed" }).click();
    expect(await field("Seed").inputValue()).toMatch(/^\d{1,5}$/);
  });

  test("a fault is drawn where it happens; a bad one is refused in words, a seed that is none, too", async () => {
    await simulate();
    await field("Faults").fill("pivotRoot#1=EPERM");
    await run();
    expect(await words()).toMatch(/^It ended with .*EPERM.*nothing was left behind\.$/);
    await expect.poll(() => page.locator(".picture .row-error").count()).toBeGreaterThan(0);
    expect(await page.locator(".simulation-words.simulation-bad").count()).toBe(1);
    await field("Faults").fill("pivotRot#1=EPERM");
    await runButton().click();
    await expect.poll(words).toMatch(/did you mean "pivotRoot"/);
    await field("Seed").fill("many");
    expect(await words()).toBe("A seed is a whole number from 0 to 4294967295.");
    expect(await runButton().isDisabled()).toBe(true);
  });

  test("the help on faults fills the field, and a runtime that dies is started again", async () => {
    await simulate();
    await page.locator(".fault-help summary").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "crash@120", exact: true }).click();
    await page.getByRole("button", { name: "shim=kill@220" }).click();
    expect(await field("Faults").inputValue()).toBe("crash@120 shim=kill@220");
    await page.keyboard.press("Escape");
    expect(await page.locator(".fault-help").getAttribute("open")).toBeNull();
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("SUMMARY");
    await field("Faults").fill("crash@120");
    await run();
    expect(await words()).toBe("Done; nothing was left behind.");
  });

  test("another scenario brings its own lifelines and says whose they are, and Real goes back", async () => {
    await simulate();
    await choice("Scenario").selectOption("kubectl-apply");
    await run();
    const titles = () => page.locator(".lifelines").innerText();
    for (const title of ["API server", "scheduler", "kubelet", "containerd-shim"])
      expect(await titles()).toContain(title);
    // Every op of runc is the innermost level.
    await page.getByRole("button", { name: /^3 Ops/ }).click();
    await expect.poll(titles).toContain("runc");
    expect(await page.locator(".cast").innerText()).toMatch(
      /^Drawn as\s+containerd with its CRI plugin[\s\S]*Vitrine plays these parts/,
    );
    await page.locator(".step", { hasText: "kubectl apply" }).first().click();
    expect(await page.locator(".narration").innerText()).toMatch(/API server stores the pod/);
    await page.getByRole("button", { name: "Real", exact: true }).click();
    expect(await page.locator(".simulation").count()).toBe(0);
    expect(page.url()).toMatch(/\?world=real$/);
  });

  test("a run with a pace grows arrow by arrow, and can be stopped", async () => {
    await simulate();
    await choice("Pace").selectOption({ label: "100 times slower" });
    await runButton().click();
    await expect.poll(arrows).toBeGreaterThan(0);
    const early = await arrows();
    await expect.poll(arrows, { timeout: 15_000 }).toBeGreaterThan(early);
    expect(await words()).toBe("Running…");
    const progress = await page.locator(".simulation-count").innerText();
    await expect
      .poll(() => page.locator(".simulation-count").innerText(), { timeout: 15_000 })
      .not.toBe(progress);
    await page.getByRole("button", { name: "Stop" }).click();
    await expect.poll(words).toMatch(/^Stopped/);
    const kept = await page.locator(".simulation-count").innerText();
    await page.waitForTimeout(400);
    expect(await page.locator(".simulation-count").innerText()).toBe(kept);
    expect(await arrows()).toBeGreaterThan(early);

    // What was given up leaves no trace in the next run.
    await choice("Pace").selectOption({ label: "at once" });
    await run();
    const after = await saved(/Recording/);
    await page.reload();
    await ended();
    expect((await saved(/Recording/)).text).toBe(after.text);
    expect(watched.complaints).toEqual([]);
  });

  test("once it is there it needs no server", async () => {
    await simulate();
    await page.context().setOffline(true);
    let asked = 0;
    page.on("request", () => asked++);
    for (const scenario of ["demo-pod", "oom-kill", "image-pull"]) {
      await choice("Scenario").selectOption(scenario);
      await run();
      expect(await words()).toBe("Done; nothing was left behind.");
    }
    await expect.poll(arrows).toBeGreaterThan(5);
    expect(asked).toBe(0);
  });

  test("what leaves the page says SIMULATED: text, picture, recording", async () => {
    await simulate();
    await run();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: /^Copy the diagram/ }).click();
    await expect
      .poll(() => page.evaluate(() => navigator.clipboard.readText()))
      .toMatch(/Note over p0.*: SIMULATED/);
    const recording = await saved(/Recording/);
    expect(recording.name).toBe("SIMULATED-default-demo.jsonl");
    const [span] = parseRecording(recording.text).spans;
    expect(span?.resource.attributes.get("vitrine.mode")).toBe("sim");
    await page.getByRole("button", { name: /^0 Story/ }).click();
    const picture = await saved(/Diagram/);
    expect(picture.name).toBe("SIMULATED-default-demo.svg");
    expect(picture.text).toContain("SIMULATED");
  });

  test("start-up: from the switch to ready, from Run to the first arrow", async () => {
    const began = performance.now();
    await simulate();
    const ready = performance.now();
    await runButton().click();
    await page.locator(".picture [data-key]").first().waitFor();
    const drawn = performance.now();
    const ms = (from: number, to: number) => Math.round(to - from);
    console.log(
      `simulation in the browser: ready ${ms(began, ready)} ms after the switch, first arrow ${ms(ready, drawn)} ms after Run`,
    );
    expect(ms(began, ready)).toBeLessThan(5_000);
    expect(ms(ready, drawn)).toBeLessThan(5_000);
  });
});

describe("an address", () => {
  test("says which run it is, and whoever opens it sees that run", async () => {
    await simulate();
    await choice("Scenario").selectOption("oom-kill");
    await field("Seed").fill("7");
    await field("Faults").fill("cni:ADD=fail");
    await run();
    const outcome = await words();
    expect(page.url()).toBe(`${dashboard.origin}/?scenario=oom-kill&seed=7&fault=cni%3AADD%3Dfail`);
    const first = await saved(/Recording/);
    const address = page.url();
    await page.goto("about:blank");
    await page.goto(address);
    await ended();
    expect(await words()).toBe(outcome);
    expect(await choice("Scenario").inputValue()).toBe("oom-kill");
    expect(await field("Faults").inputValue()).toBe("cni:ADD=fail");
    expect((await saved(/Recording/)).text).toBe(first.text);
  });

  test("of a scenario that there is not says so, and offers those there are", async () => {
    await page.goto(`${dashboard.origin}/?scenario=nonsense`);
    await expect.poll(words).toBe('There is no scenario "nonsense"; choose one.');
    await page.getByRole("button", { name: /^Out of memory/ }).click();
    await ended();
    expect(page.url()).toContain("?scenario=oom-kill&seed=1");
  });
});

describe("everybody", () => {
  test.each([
    ["wide", 1500, 900],
    ["narrow", 420, 860],
  ])("the page is accessible and fits in both themes, %s", async (_, width, height) => {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      for (const address of ["?world=simulated", "?scenario=kata", "?scenario=oom-kill&fault=x"]) {
        await page.goto(`${dashboard.origin}/${address}`);
        await expect.poll(words, { timeout: 20_000 }).not.toMatch(/^(?:Loading|Running|$)/);
        if (width < 800) await page.locator(".simulation-more").click();
        await page.locator(".fault-help summary").click();
        const { violations } = await new AxeBuilder({ page: page as never })
          .include(".app")
          .analyze();
        expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
        const over = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(over).toBe(0);
        // Everything to be pressed or filled in lies inside the window.
        for (const part of await page.locator(".simulation :is(select, input, .button)").all()) {
          const box = await part.boundingBox();
          if (box === null) continue;
          expect(box.x).toBeGreaterThanOrEqual(0);
          expect(box.x + box.width).toBeLessThanOrEqual(width);
        }
      }
    }
  });

  test("by keyboard alone: choose, run, stop, and on to the steps", async () => {
    await simulate();
    await choice("Scenario").focus();
    const seen: string[] = [];
    for (let press = 0; press < 12; press++) {
      await page.keyboard.press("Tab");
      const name = await page.evaluate(() => {
        const at = document.activeElement;
        return at?.getAttribute("aria-label") ?? at?.textContent?.trim().slice(0, 20) ?? "";
      });
      seen.push(name);
      if (name === "Run") break;
    }
    expect(seen.at(-1)).toBe("Run");
    expect(seen).toContain("Another seed");
    expect(seen).toContain("What can be written as a fault");
    await page.keyboard.press("Enter");
    await ended();
    await page.keyboard.press(".");
    await expect.poll(() => page.locator(".details-title").count()).toBe(1);
    expect(await page.getByRole("status").filter({ hasText: "Done" }).count()).toBe(1);
  });
});

test("Real and Simulated stand side by side: the live pods stay while something is simulated", async () => {
  const feed = new TraceFeed();
  await feed.listen();
  if (process.getuid?.() === 0) {
    chownSync(feed.path, 0, 65_432);
    chmodSync(feed.path, 0o660);
    chmodSync(feed.path.replace(/\/[^/]*$/, ""), 0o711);
  }
  const own = await startDashboard(["--trace-socket", feed.path]);
  const live = await openPage(browser, own.url);
  page = live.page;
  try {
    const moments = momentsOf(toldPod({ name: "living" }));
    const half = Math.floor(moments.length / 2);
    feed.tell(...moments.slice(0, half));
    await expect.poll(() => page.locator(".pod").allInnerTexts()).toHaveLength(1);
    await simulate();
    await run();
    expect(await page.locator(".pods").innerText()).not.toContain("living");
    // What happens on the real kernel meanwhile is not missed.
    feed.tell(...moments.slice(half));
    await page.getByRole("button", { name: "Real", exact: true }).click();
    await expect.poll(() => page.locator(".badge").innerText()).toBe("LIVE");
    await expect
      .poll(() => page.locator(".pods").innerText())
      .toMatch(/living[\s\S]*server[\s\S]*running[\s\S]*fetcher[\s\S]*running/);
    expect(await page.locator(".pods").innerText()).not.toContain("demo");
    expect(await page.locator(".watermark").count()).toBe(0);
    await page.getByRole("button", { name: "Simulated" }).click();
    await expect.poll(() => page.locator(".pods").innerText()).toContain("demo");
    expect(live.complaints).toEqual([]);
  } finally {
    await live.close();
    await own.stop();
    feed.close();
  }
});
