/** Recordings in the page: ours, simulated ones, anybody's, broken and hostile ones. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { toldPod, toldResource } from "../../apps/runtime/src/trace/fixture/told-pod.ts";
import { parseRecording, serialiseRecording } from "../../apps/runtime/src/trace/otlp.ts";
import type { SpanRecord } from "../../apps/runtime/src/trace/span-record.ts";
import { buildWeb } from "../../scripts/prepare.ts";
import { type Dashboard, startDashboard } from "../harness/dashboard.ts";
import { launchBrowser, openPage, type WatchedPage } from "../harness/page.ts";

const folder = mkdtempSync(join(tmpdir(), "vt-recording-"));
const bundled = join(folder, "bundled.jsonl");
let browser: Browser;
let dashboard: Dashboard;
let watched: WatchedPage;
let page: Page;

beforeAll(async () => {
  buildWeb();
  writeFileSync(bundled, serialiseRecording(toldPod({ name: "bundled" })));
  browser = await launchBrowser();
  dashboard = await startDashboard(["--recording", bundled]);
});
afterAll(async () => {
  await browser.close();
  await dashboard.stop();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  watched = await openPage(browser, dashboard.url);
  page = watched.page;
});
afterEach(() => watched.close());

async function open(name: string, text: string): Promise<void> {
  await page
    .locator("input[type=file]")
    .setInputFiles({ name, mimeType: "", buffer: Buffer.from(text) });
}

const badge = () => page.locator(".badge").innerText();
const drawn = () =>
  expect.poll(() => page.locator(".picture svg").count(), { timeout: 10_000 }).toBeGreaterThan(0);

describe("where it comes from is said", () => {
  test("the bundled recording opens with one click", async () => {
    // Without a stream nothing claims to be live.
    expect(await page.locator(".badge").count()).toBe(0);
    await page.getByRole("button", { name: "Open the recorded demo pod" }).click();
    await drawn();
    expect(await badge()).toBe("RECORDED");
    expect(await page.locator(".facts").innerText()).toContain("Linux 6.18.0-test");
    expect(await page.locator(".pod").innerText()).toContain("bundled");
    expect(watched.complaints).toEqual([]);
  });

  test("a simulated one says SIMULATED, also in what is copied from it", async () => {
    const attributes = new Map([
      ...toldResource.attributes,
      ["vitrine.mode", "sim"],
      ["vitrine.seed", 7],
    ] as const);
    await open("sim.jsonl", serialiseRecording(toldPod({ resource: { attributes } })));
    await drawn();
    expect(await badge()).toBe("SIMULATED");
    expect(await page.locator(".watermark").innerText()).toBe("SIMULATED");
    expect(await page.locator(".facts").innerText()).toContain("seed 7");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.keyboard.press("c");
    await expect
      .poll(() => page.evaluate(() => navigator.clipboard.readText()))
      .toContain("Note over p0: SIMULATED");
  });

  test("anybody's OTLP is IMPORTED and drawn between its services", async () => {
    const [template] = toldPod() as [SpanRecord];
    const span = (spanId: string, parentSpanId: string, service: string) => ({
      ...template,
      spanId,
      parentSpanId,
      name: `${service} work`,
      attributes: new Map(),
      resource: { attributes: new Map([["service.name", service]]) },
    });
    await open(
      "shop.json",
      serialiseRecording([span("01", "", "shop"), span("02", "01", "stock")]),
    );
    await drawn();
    expect(await badge()).toBe("IMPORTED");
    expect(await page.locator(".lifelines").innerText()).toMatch(/shop\s+stock/);
  });

  test("dropping a file opens it", async () => {
    const text = serialiseRecording(toldPod({ name: "dropped" }));
    await page.evaluate((content) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([content], "dropped.jsonl"));
      for (const type of ["dragover", "drop"]) {
        document.body.dispatchEvent(
          new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }),
        );
      }
    }, text);
    await drawn();
    expect(await page.locator(".pod").innerText()).toContain("dropped");
  });

  test("what is saved is what was opened", async () => {
    const spans = toldPod({ failing: true });
    await open("pod.jsonl", serialiseRecording(spans));
    await drawn();
    await page.locator(".menu summary").click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.locator(".menu-list button", { hasText: "Recording" }).click(),
    ]);
    const saved = parseRecording(readFileSync(await download.path(), "utf8"));
    expect(saved.problems).toEqual([]);
    expect(saved.spans.map((span) => span.spanId).sort()).toEqual(
      spans.map((span) => span.spanId).sort(),
    );
  });
});

describe("broken files", () => {
  test.each([
    ["not JSON", "hello\nworld", /line 1 not JSON/],
    ["logs instead of traces", '{"resourceLogs":[]}', /holds resourceLogs, not spans/],
    ["nothing", "", /no span in it/],
    ["too deep", `${"[".repeat(1000)}${"]".repeat(1000)}`, /nested deeper/],
  ])("%s gets one clear sentence", async (_, text, sentence) => {
    await open("broken.jsonl", text);
    await expect.poll(() => page.locator(".notice-bad").innerText()).toMatch(sentence);
    expect(await page.locator(".empty").count()).toBe(1);
    expect(watched.complaints).toEqual([]);
  });

  test("a file that is cut off shows what it has, and says where it ends", async () => {
    const text = serialiseRecording(toldPod());
    await open("cut.jsonl", text.slice(0, text.length - 200));
    await drawn();
    expect(await page.locator(".notice-bad").innerText()).toMatch(
      /could not be read; the first: line 5 not JSON/,
    );
  });
});

const payloads = [
  '"]',
  '%%{init:{"securityLevel":"loose"}}%%',
  "$$<img src=x onerror=alert(1)>$$",
  "</style><img src=x onerror=alert(1)>",
  "<script>alert(1)</script>",
  "click n1 call alert()",
  "\u202egnp.exe",
  "line\nend\nparticipant evil",
  "end",
  "a;b#c",
  "---\ntitle: x\n---",
  "wrap: no",
  "style x:#fff;",
  '<a href="javascript:alert(1)">x</a>',
  "p0->>p1: forged",
  "ﬂ°°60¶ß",
];

test.each(payloads)("a pod named %j is a name and nothing else", async (name) => {
  const spans = toldPod({ name, containers: [name], failing: true }).map((span) => ({
    ...span,
    statusMessage: span.status === "error" ? name : "",
  }));
  await open(`${name.slice(0, 8)}.jsonl`, serialiseRecording(spans));
  await drawn();
  for (const key of ["[", "[", "]", "]", "]"]) await page.keyboard.press(key);
  await expect
    .poll(() => page.locator(".picture svg").count(), { timeout: 10_000 })
    .toBeGreaterThan(1);
  await page.locator(".step").first().click();
  expect(await page.locator(".picture-trouble").count()).toBe(0);
  const strange = await page.evaluate(
    () =>
      document.querySelectorAll(
        "img, iframe, object, embed, foreignObject, svg script, svg a, .picture style",
      ).length,
  );
  expect(strange).toBe(0);
  // Nothing was cut out of the picture: it has an arrow for every row of the list.
  const steps = await page.locator(".side .count").innerText();
  expect(Number(steps)).toBeGreaterThan(5);
  expect(watched.complaints).toEqual([]);
});
