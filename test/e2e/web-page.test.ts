/** Using the page: levels, list, details, keyboard, search, themes, narrow screens, accessibility. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContextOptions, Page } from "playwright";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { toldPod } from "../../apps/runtime/src/trace/fixture/told-pod.ts";
import { serialiseRecording } from "../../apps/runtime/src/trace/otlp.ts";
import { buildWeb } from "../../scripts/prepare.ts";
import { type Dashboard, startDashboard } from "../harness/dashboard.ts";
import { launchBrowser, openPage, type WatchedPage } from "../harness/page.ts";

const folder = mkdtempSync(join(tmpdir(), "vt-page-"));
let browser: Browser;
let dashboard: Dashboard;
let watched: WatchedPage | undefined;

beforeAll(async () => {
  buildWeb();
  const path = join(folder, "pod.jsonl");
  writeFileSync(path, serialiseRecording(toldPod({ failing: true })));
  browser = await launchBrowser();
  dashboard = await startDashboard(["--recording", path]);
});
afterAll(async () => {
  await browser.close();
  await dashboard.stop();
  rmSync(folder, { recursive: true });
});
afterEach(async () => {
  expect(watched?.complaints ?? []).toEqual([]);
  await watched?.close();
  watched = undefined;
});

async function recorded(options: BrowserContextOptions = {}): Promise<Page> {
  watched = await openPage(browser, dashboard.url, options);
  const { page } = watched;
  await page.getByRole("button", { name: "Open the recorded demo pod" }).click();
  await page.locator(".picture svg").first().waitFor();
  return page;
}

const level = (page: Page) => page.locator('.level[aria-pressed="true"]').innerText();
const steps = async (page: Page) => Number(await page.locator(".side .count").innerText());

describe("levels", () => {
  test("[ and ] fold and unfold, from five arrows to every op", async () => {
    const page = await recorded();
    expect(await level(page)).toMatch(/^2/);
    const counts = [await steps(page)];
    await page.keyboard.press("]");
    counts.push(await steps(page));
    expect(await level(page)).toMatch(/^3/);
    await page.keyboard.press("]");
    expect(await level(page)).toMatch(/^3/);
    for (const _ of [1, 2, 3]) await page.keyboard.press("[");
    expect(await level(page)).toMatch(/^0/);
    await expect.poll(() => page.locator(".picture [data-key]").count()).toBe(4);
    expect(counts[1]).toBeGreaterThan((counts[0] ?? 0) * 2);
  });

  test("the level is remembered", async () => {
    const page = await recorded();
    await page.getByRole("button", { name: /Calls/ }).click();
    await page.reload();
    await page.locator(".app").waitFor();
    expect(await level(page)).toMatch(/^1/);
  });
});

describe("details", () => {
  test("an arrow in the diagram and its row in the list are one step", async () => {
    const page = await recorded();
    const arrow = page.locator(".picture .row-message", { hasText: "start shim" }).first();
    await arrow.locator("rect").click();
    const current = page.locator('.step[aria-current="step"]');
    expect(await current.getAttribute("aria-label")).toMatch(/runtime to shim: start shim/);
    const details = page.getByRole("region", { name: "Details of the step" });
    const text = await details.innerText();
    expect(text).toMatch(/step \d+ of \d+/);
    expect(text).toContain("restarted without any of them noticing");
    expect(text).toContain("process.pid");
    expect(text).toContain("4711");
    expect(await details.locator("a.spec").getAttribute("href")).toMatch(/^https:\/\/man7\.org/);
    expect(await page.locator(".row-chosen").count()).toBe(2);
    await page.keyboard.press("Escape");
    expect(await details.count()).toBe(0);
    expect(await page.locator(".row-chosen").count()).toBe(0);
  });

  test("a failed op tells errno, message and the op itself", async () => {
    const page = await recorded();
    await page.keyboard.press("]");
    await page.keyboard.press("/");
    await page.keyboard.type("execve server");
    await page.keyboard.press("Shift+Enter");
    const details = page.getByRole("region", { name: "Details of the step" });
    expect(await details.locator(".failure").innerText()).toMatch(
      /ENOENT.*no such file or directory/s,
    );
    expect(await details.locator(".op").innerText()).toBe("execve /bin/server");
    // The arrow is brought into view although its picture was not drawn before.
    await expect.poll(() => page.locator(".row-chosen.row-error").count()).toBeGreaterThan(0);
    const box = await page.locator(".row-chosen").first().boundingBox();
    expect(box?.y).toBeGreaterThan(80);
    expect(box?.y).toBeLessThan(1000);
  });
});

describe("keyboard", () => {
  test("the list is one stop for Tab; arrows, Home and End move in it", async () => {
    const page = await recorded();
    await page.locator(".step").first().focus();
    for (const key of ["ArrowDown", "ArrowDown"]) {
      await page.keyboard.press(key);
      await page.waitForTimeout(60);
    }
    const focused = () =>
      page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
    expect(await focused()).toMatch(/^2\./);
    await page.keyboard.press("End");
    await expect.poll(focused).toMatch(new RegExp(`^${await steps(page)}\\.`));
    await page.keyboard.press("Home");
    await expect.poll(focused).toMatch(/^1\./);
    expect(await page.locator('.step[tabindex="0"]').count()).toBe(1);
  });

  test(". and , step through the story", async () => {
    const page = await recorded();
    const place = () => page.locator(".details-place").innerText();
    await page.keyboard.press(".");
    expect(await place()).toMatch(/^step 1 of/);
    await page.keyboard.press(".");
    await page.keyboard.press(".");
    expect(await place()).toMatch(/^step 3 of/);
    await page.keyboard.press(",");
    expect(await place()).toMatch(/^step 2 of/);
  });

  test("keys are listed, can be turned off, and are text in a field", async () => {
    const page = await recorded();
    await page.keyboard.press("/");
    await page.keyboard.type("?[]");
    expect(await page.locator(".search input").inputValue()).toBe("?[]");
    expect(await level(page)).toMatch(/^2/);
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    const help = page.getByRole("dialog", { name: "Reading the diagram" });
    expect(await help.innerText()).toContain("fold: one level up");
    await help.getByLabel("Single-key shortcuts").uncheck();
    await page.keyboard.press("Escape");
    await page.keyboard.press("]");
    expect(await level(page)).toMatch(/^2/);
  });

  test("search finds folded steps and unfolds to them", async () => {
    const page = await recorded();
    await page.keyboard.press("/");
    await page.keyboard.type("pivotroot");
    await expect.poll(() => page.locator(".search-count").innerText()).toBe("3");
    await page.keyboard.press("Enter");
    expect(await level(page)).toMatch(/^3/);
    expect(await page.locator(".search-count").innerText()).toBe("1/3");
    expect(await page.locator(".details .op").innerText()).toContain("pivotRoot");
    // Its arrow comes into view although that part of a long call was not drawn before.
    const arrow = page.locator(".row-chosen", { hasText: "pivot_root" });
    await expect
      .poll(async () => (await arrow.boundingBox())?.y ?? -1, { timeout: 5_000 })
      .toBeGreaterThan(100);
    expect((await arrow.boundingBox())?.y).toBeLessThan(960);
  });
});

describe("accessibility", () => {
  async function violations(page: Page) {
    const { violations: found } = await new AxeBuilder({ page })
      .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
      .analyze();
    return found.map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map((node) => node.html.slice(0, 160))
          .slice(0, 3)
          .join(" | ")}`,
    );
  }

  test.each(["light", "dark"] as const)(
    "no violation in %s: empty, open, details, help",
    async (colorScheme) => {
      watched = await openPage(browser, dashboard.url, { colorScheme });
      expect(await violations(watched.page)).toEqual([]);
      await watched.close();
      const page = await recorded({ colorScheme });
      await page.locator(".step", { hasText: "start container fetcher" }).click();
      await page.waitForTimeout(300);
      expect(await violations(page)).toEqual([]);
      await page.keyboard.press("?");
      expect(await violations(page)).toEqual([]);
    },
  );

  test("the diagram names the list as its equivalent", async () => {
    const page = await recorded();
    const picture = page.locator(".picture svg").first();
    expect(await picture.getAttribute("role")).toBe("img");
    expect(await picture.getAttribute("aria-label")).toMatch(/Sequence diagram of RunPodSandbox/);
    expect(
      await page.getByRole("list", { name: "Steps" }).getByRole("listitem").count(),
    ).toBeGreaterThan(10);
  });

  test("nothing moves when motion is not wanted", async () => {
    const page = await recorded({ reducedMotion: "reduce" });
    const moving = await page.evaluate(() => document.getAnimations().length);
    expect(moving).toBe(0);
  });
});

describe("looks", () => {
  test("theme: system, light, dark, kept over a reload", async () => {
    const page = await recorded({ colorScheme: "light" });
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.keyboard.press("t");
    expect(await ground()).toBe(light);
    await page.keyboard.press("t");
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.locator(".app").waitFor();
    await expect.poll(ground).toBe(dark);
  });

  test("a change of theme redraws no picture", async () => {
    const page = await recorded();
    await page.evaluate(() =>
      document.querySelector(".picture svg")?.setAttribute("data-kept", ""),
    );
    await page.keyboard.press("t");
    await page.keyboard.press("t");
    await page.waitForTimeout(300);
    expect(await page.locator("svg[data-kept]").count()).toBe(1);
  });

  test("390 px: nothing is cut off, parts are tabs, details rise from below", async () => {
    const page = await recorded({ viewport: { width: 390, height: 844 } });
    const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(await overflow()).toBeLessThanOrEqual(0);
    await page.locator(".picture .row-message rect").first().click();
    await page.getByRole("region", { name: "Details of the step" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "pods", exact: true }).click();
    expect(await page.locator(".pod-button").first().isVisible()).toBe(true);
    await page.getByRole("button", { name: "steps", exact: true }).click();
    expect(await page.locator(".step").first().isVisible()).toBe(true);
    expect(await overflow()).toBeLessThanOrEqual(0);
  });

  test("on paper: all calls, no controls", async () => {
    const page = await recorded();
    await page.emulateMedia({ media: "print" });
    expect(await page.locator(".top .tools").isVisible()).toBe(false);
    expect(await page.locator(".rail").isVisible()).toBe(false);
    expect(await page.locator(".call").first().isVisible()).toBe(true);
  });
});
