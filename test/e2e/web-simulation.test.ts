/** The simulated kernel in a real browser: the switch, a run, the same run again, faults, and what is said of them. */
import { readFileSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { buildWeb } from "../../scripts/prepare.ts";
import { type Dashboard, startDashboard } from "../harness/dashboard.ts";
import { launchBrowser, openPage, type WatchedPage } from "../harness/page.ts";

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

async function simulate(): Promise<void> {
  await page.getByRole("button", { name: "Simulated" }).click();
  await expect
    .poll(() => page.getByRole("button", { name: "Run", exact: true }).isEnabled())
    .toBe(true);
}

async function run(): Promise<void> {
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await expect.poll(words, { timeout: 20_000 }).toMatch(/^(?:Done|It ended)/);
}

/** The recording as the page saves it. */
async function saved(): Promise<string> {
  const download = page.waitForEvent("download");
  await page.locator("summary[aria-label=Save]").click();
  await page.getByRole("button", { name: /^Recording/ }).click();
  return readFileSync(await (await download).path(), "utf8");
}

describe("the simulated kernel in the browser", () => {
  test("runs the demo pod, says SIMULATED, and leaves nothing", async () => {
    await simulate();
    expect(await page.locator(".badge").innerText()).toBe("SIMULATED");
    await run();
    expect(await words()).toBe("Done; nothing was left behind.");
    await expect.poll(() => page.locator(".picture svg").count()).toBeGreaterThan(0);
    expect(await page.locator(".watermark").innerText()).toBe("SIMULATED");
    expect(await page.locator(".facts").innerText()).toMatch(/demo-pod.*seed 1/);
    expect(await page.locator(".pod").innerText()).toContain("demo");
    expect(watched.complaints).toEqual([]);
  });

  test("the same seed is the same recording, another seed another one", async () => {
    await simulate();
    await run();
    const first = await saved();
    await run();
    expect(await saved()).toBe(first);
    await page.getByLabel("Seed").fill("2");
    await run();
    expect(await saved()).not.toBe(first);
  });

  test("a fault is drawn where it happens; a bad one is refused in words, a seed that is none, too", async () => {
    await simulate();
    await page.getByLabel("Faults").fill("pivotRoot#1=EPERM");
    await run();
    expect(await words()).toMatch(/^It ended with .*EPERM/);
    await page.getByLabel("Faults").fill("pivotRot#1=EPERM");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await expect.poll(words).toMatch(/did you mean "pivotRoot"/);
    await page.getByLabel("Seed").fill("many");
    expect(await words()).toBe("A seed is a whole number from 0 to 4294967295.");
    expect(await page.getByRole("button", { name: "Run", exact: true }).isDisabled()).toBe(true);
  });

  test("another scenario brings its own lifelines, and Real goes back", async () => {
    await simulate();
    await page.getByLabel("Scenario").selectOption("kubectl-apply");
    await run();
    const titles = await page.locator(".lifelines").innerText();
    for (const title of ["API server", "scheduler", "kubelet", "runc"])
      expect(titles).toContain(title);
    await page.getByRole("button", { name: "Real", exact: true }).click();
    expect(await page.locator(".simulation").count()).toBe(0);
  });

  test("an address opens a scenario, and the form is accessible in both themes", async () => {
    await page.goto(`${dashboard.origin}/?scenario=oom-kill`);
    await expect.poll(() => page.getByLabel("Scenario").inputValue()).toBe("oom-kill");
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page: page as never })
        .include(".app")
        .analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
    }
  });
});
