/** A real browser on the dashboard, with everything it complains about written down. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright";

export const chromiumPath = "/usr/bin/chromium";
export const hasChromium = existsSync(chromiumPath);

/** Debian's Chromium, without anything that would call home. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export interface WatchedPage {
  readonly page: Page;
  /** Console errors, exceptions, dialogs, violations of the security policy, requests to anywhere else. */
  readonly complaints: string[];
  readonly close: () => Promise<void>;
}

/** Opens `url` in a context of its own. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1600, height: 1000 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const { host } = new URL(url);
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const to = new URL(request.url());
    if (to.protocol.startsWith("http") && to.host !== host)
      complaints.push(`request to ${to.host}`);
  });
  // As text, because this file is checked without the DOM's types.
  await page.addInitScript(`document.addEventListener("securitypolicyviolation", (event) => {
    console.error("policy violation: " + event.violatedDirective + " " + event.blockedURI);
  })`);
  await page.goto(url);
  await page.waitForSelector(".app");
  return { page, complaints, close: () => context.close() };
}
