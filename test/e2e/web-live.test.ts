/** The live page: a real browser, the real server, and the daemon's own trace socket. */
import { chmodSync, chownSync } from "node:fs";
import type { Browser } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { toldPod } from "../../apps/runtime/src/trace/fixture/told-pod.ts";
import type { SpanRecord } from "../../apps/runtime/src/trace/span-record.ts";
import { buildWeb } from "../../scripts/prepare.ts";
import { type Dashboard, startDashboard } from "../harness/dashboard.ts";
import { launchBrowser, openPage, type WatchedPage } from "../harness/page.ts";
import { momentsOf, TraceFeed } from "../harness/trace-feed.ts";

let browser: Browser;
let feed: TraceFeed;
let dashboard: Dashboard;
let watched: WatchedPage;

/** The socket as the daemon leaves it for the dashboard: its group may read and write. */
async function listen(): Promise<void> {
  await feed.listen();
  if (process.getuid?.() !== 0) return;
  chownSync(feed.path, 0, 65_432);
  chmodSync(feed.path, 0o660);
  chmodSync(feed.path.replace(/\/[^/]*$/, ""), 0o711);
}

beforeAll(async () => {
  buildWeb();
  browser = await launchBrowser();
});
afterAll(() => browser.close());

beforeEach(async () => {
  feed = new TraceFeed();
  await listen();
  dashboard = await startDashboard(["--trace-socket", feed.path]);
  watched = await openPage(browser, dashboard.url);
});
afterEach(async () => {
  await watched.close();
  await dashboard.stop();
  feed.close();
});

const arrows = () => watched.page.locator(".picture [data-key]");
const texts = () => watched.page.locator(".picture").allInnerTexts();

function named(spans: readonly SpanRecord[], name: string): SpanRecord {
  const span = spans.find((candidate) => candidate.name.endsWith(name));
  if (!span) throw new Error(`no span ${name}`);
  return span;
}

describe("growing", () => {
  test("an arrow appears when its span starts, and its answer when it ends", async () => {
    const { page } = watched;
    await expect.poll(() => page.locator(".badge").innerText()).toBe("LIVE");
    await expect
      .poll(() => page.locator(".empty-sentence").innerText())
      .toMatch(/Start a pod on this node/);

    const spans = toldPod();
    const moments = momentsOf(spans);
    const run = named(spans, "RunPodSandbox");
    const half = moments.findIndex(
      (moment) => moment.name === "pod.shim" && moment.endNs === undefined,
    );
    feed.tell(...moments.slice(0, half + 1));
    await expect.poll(() => texts().then((all) => all.join(" "))).toContain("start shim");
    expect(await page.locator(".pod").innerText()).toContain("creating");
    expect(await page.locator(`[data-key$="${run.spanId}"]`).count()).toBe(1);
    expect(await page.locator(".call-pulse").count()).toBe(1);

    feed.tell(...moments.slice(half + 1));
    await expect.poll(() => page.locator(".call").count()).toBe(5);
    await expect
      .poll(() => page.locator(".pod").innerText())
      .toMatch(/ready[\s\S]*server[\s\S]*running[\s\S]*fetcher[\s\S]*running/);
    await expect.poll(() => page.locator(`[data-key$="${run.spanId}"]`).count()).toBe(2);
    expect(await page.locator(".call-pulse").count()).toBe(0);
    expect(watched.complaints).toEqual([]);
  });

  test("settled calls keep their very elements while the next call grows", async () => {
    const { page } = watched;
    const spans = toldPod({ containers: ["one"] });
    const run = named(spans, "RunPodSandbox");
    const first = spans.filter((span) => span.traceId === run.traceId);
    feed.tell(...momentsOf(first));
    await expect.poll(() => page.locator(`[data-key$="${run.spanId}"]`).count()).toBe(2);
    // Time for the last redraw, if one is still due.
    await page.waitForTimeout(500);
    await page.evaluate(() => {
      for (const svg of document.querySelectorAll(".picture svg"))
        svg.setAttribute("data-kept", "");
    });
    for (const moment of momentsOf(spans.filter((span) => span.traceId !== run.traceId))) {
      feed.tell(moment);
      await page.waitForTimeout(4);
    }
    await expect.poll(() => page.locator(".call").count()).toBe(3);
    await expect.poll(() => page.locator(".call:not(:first-of-type) .picture svg").count()).toBe(2);
    expect(await page.locator(".call").first().locator("svg[data-kept]").count()).toBe(1);
  });

  test("all pictures have the same columns, under their titles", async () => {
    const { page } = watched;
    feed.tell(...momentsOf(toldPod()));
    await page.keyboard.press("]");
    await expect.poll(() => page.locator(".picture svg").count()).toBeGreaterThan(1);
    await page.waitForTimeout(400);
    const columns = await page.evaluate(() =>
      [...document.querySelectorAll(".picture svg")].map((svg) =>
        [...svg.querySelectorAll(".actor-line")]
          .map((line) => Math.round(line.getBoundingClientRect().x))
          .sort((a, b) => a - b),
      ),
    );
    for (const each of columns) expect(each).toEqual(columns[0]);
    const titles = await page.evaluate(() =>
      [...document.querySelectorAll(".lifelines .lifeline")].map((title) => {
        const box = title.getBoundingClientRect();
        return Math.round(box.x + box.width / 2);
      }),
    );
    expect(titles).toHaveLength(columns[0]?.length ?? 0);
    for (const [index, x] of titles.entries()) {
      expect(Math.abs(x - (columns[0]?.[index] ?? 0))).toBeLessThanOrEqual(2);
    }
  });

  test("an error is red, has its errno in words and an icon", async () => {
    const { page } = watched;
    feed.tell(...momentsOf(toldPod({ failing: true })));
    const failed = page.locator(".row-error.row-message").last();
    await expect.poll(() => failed.count()).toBe(1);
    expect(await failed.textContent()).toContain("ENOENT");
    expect(await failed.textContent()).toContain("✕");
    const colour = await failed.locator("line").evaluate((line) => getComputedStyle(line).stroke);
    expect(colour).toBe("rgb(179, 38, 30)");
    expect(await page.locator(".call-failed .call-error").innerText()).toContain("NOT_FOUND");
  });
});

describe("following", () => {
  const scroll = () =>
    watched.page.locator(".stage").evaluate((stage) => ({
      top: stage.scrollTop,
      left: stage.scrollHeight - stage.clientHeight - stage.scrollTop,
    }));

  test("the end stays in view until the reader scrolls up; then new arrows are counted", async () => {
    const { page } = watched;
    feed.tell(...momentsOf(toldPod()));
    await expect.poll(() => page.locator(".call").count()).toBe(5);
    await expect.poll(async () => (await scroll()).left).toBeLessThan(40);
    expect((await scroll()).top).toBeGreaterThan(0);

    await page.locator(".stage").hover();
    await page.mouse.wheel(0, -600);
    const follow = page.getByRole("button", { name: /Follow the newest/ });
    await expect.poll(() => follow.getAttribute("aria-pressed")).toBe("false");
    const { top } = await scroll();
    const later = toldPod({ containers: ["late"], startNs: 1_795_475_100_000_000_000n });
    const more = later.filter(
      (span) => /Container|^container/.test(span.name) || span.name.startsWith("op."),
    );
    feed.tell(...more.map((span) => ({ ...span, traceId: span.traceId.replace(/^a/, "c") })));
    await page.getByRole("button", { name: /new arrows?$/ }).waitFor();
    expect((await scroll()).top).toBe(top);
    await page.getByRole("button", { name: /new arrows?$/ }).click();
    await expect.poll(async () => (await scroll()).left).toBeLessThan(40);
  });
});

describe("the connection", () => {
  test("a daemon that goes away and comes back is said so, and a new session starts clean", async () => {
    const { page } = watched;
    feed.tell(...momentsOf(toldPod({ name: "before" })));
    await expect.poll(() => page.locator(".pod").count()).toBe(1);
    feed.hangUp();
    await expect.poll(() => page.locator(".badge").innerText()).toContain("OFFLINE");
    expect(await page.locator(".pod").innerText()).toContain("before");
    await listen();
    feed.tell(...momentsOf(toldPod({ name: "after" })));
    await expect
      .poll(() => page.locator(".pod").innerText(), { timeout: 10_000 })
      .toContain("after");
    await expect.poll(() => page.locator(".badge").innerText()).not.toContain("OFFLINE");
    expect(await page.locator(".pod").count()).toBe(1);
  });

  test("a browser that lost its connection goes on where it was, without repeats", async () => {
    const { page } = watched;
    const moments = momentsOf(toldPod());
    const half = Math.floor(moments.length / 2);
    feed.tell(...moments.slice(0, half));
    await expect.poll(() => page.locator(".call").count()).toBeGreaterThan(0);
    await page.context().setOffline(true);
    feed.tell(...moments.slice(half));
    await page.waitForTimeout(300);
    await page.context().setOffline(false);
    await expect.poll(() => page.locator(".call").count(), { timeout: 15_000 }).toBe(5);
    await expect.poll(() => arrows().count(), { timeout: 10_000 }).toBeGreaterThan(20);
    expect(await page.locator(".badge-gap").count()).toBe(0);
  });

  test("a second browser sees the same from the beginning", async () => {
    feed.tell(...momentsOf(toldPod()));
    await expect.poll(() => watched.page.locator(".call").count()).toBe(5);
    const second = await openPage(browser, dashboard.url);
    await expect.poll(() => second.page.locator(".call").count()).toBe(5);
    await second.close();
  });
});

test("a large pod stays quick: no redraw of the page takes longer than half a second", async () => {
  const { page } = watched;
  // Loading Mermaid is the page's longest task, and happens once, before anything is to be drawn.
  feed.tell(...momentsOf(toldPod({ name: "small", digit: "d" })));
  await page.keyboard.press("]");
  await expect.poll(() => arrows().count(), { timeout: 10_000 }).toBeGreaterThan(20);
  await page.evaluate(() => {
    const longest = { ms: 0 };
    Object.assign(globalThis, { longest });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) longest.ms = Math.max(longest.ms, entry.duration);
    }).observe({ type: "longtask" });
  });
  const names = Array.from({ length: 12 }, (_, index) => `worker-${index}`);
  const moments = momentsOf(
    toldPod({ name: "large", containers: names, startNs: 1_795_475_100_000_000_000n }),
  );
  for (let from = 0; from < moments.length; from += 20) {
    feed.tell(...moments.slice(from, from + 20));
    await page.waitForTimeout(30);
  }
  await expect.poll(() => page.locator(".call").count(), { timeout: 20_000 }).toBe(25);
  const longest = await page.evaluate(
    () => (globalThis as unknown as { longest: { ms: number } }).longest.ms,
  );
  expect(longest).toBeLessThan(500);
  const largest = await page.evaluate(() =>
    Math.max(
      ...[...document.querySelectorAll(".picture")].map(
        (picture) => picture.querySelectorAll("[data-key]").length,
      ),
    ),
  );
  expect(largest).toBeLessThanOrEqual(24);
});
