/** Who gets in: the dashboard's guard over real HTTP and real WebSocket upgrades. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildWeb } from "../../scripts/prepare.ts";
import { type Dashboard, startDashboard } from "../harness/dashboard.ts";
import { TraceFeed } from "../harness/trace-feed.ts";

const feed = new TraceFeed();
let dashboard: Dashboard;

beforeAll(async () => {
  buildWeb();
  await feed.listen();
  dashboard = await startDashboard(["--trace-socket", feed.path]);
});

afterAll(async () => {
  await dashboard.stop();
  feed.close();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port: dashboard.port, path, method, headers },
      (answer) => {
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => {
          body += chunk;
        });
        answer.on("end", () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }),
        );
      },
    );
    call.on("error", reject);
    call.end();
  });
}

const cookie = () => ({ cookie: `vitrine-${dashboard.port}=${dashboard.token}` });

/** First line of the answer to a WebSocket handshake; empty when the connection just ends. */
function upgrade(
  headers: Readonly<Record<string, string>>,
  path = "/live/?EIO=4&transport=websocket",
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(dashboard.port, "127.0.0.1");
    let text = "";
    const all = {
      Host: `127.0.0.1:${dashboard.port}`,
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    };
    const lines = Object.entries(all).map(([key, value]) => `${key}: ${value}`);
    socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    const done = () => {
      socket.destroy();
      resolve(text.split("\r\n", 1)[0] ?? "");
    };
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.includes("\r\n")) done();
    });
    socket.on("close", done);
    socket.on("error", done);
  });
}

describe("the way in", () => {
  test("the printed link sets a cookie that scripts and other sites cannot use, and leaves the address bar clean", async () => {
    expect(dashboard.token.length).toBeGreaterThanOrEqual(43);
    const answer = await ask(`/?token=${dashboard.token}&x=1`);
    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe("/?x=1");
    expect(answer.headers["set-cookie"]?.[0]).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
  });

  test("the cookie opens the page", async () => {
    const answer = await ask("/", cookie());
    expect(answer.status).toBe(200);
    expect(answer.body).toContain("Vitrine");
  });

  test("a login cannot send the browser elsewhere", async () => {
    for (const path of ["//evil.test/", "/\\evil.test/", "http://evil.test/"]) {
      const answer = await ask(`${path}?token=${dashboard.token}`);
      expect(answer.status).toBe(303);
      expect(answer.headers.location).toBe("/");
    }
  });
});

describe("nobody else", () => {
  test.each([
    ["no cookie", "/", {}, 401],
    ["a wrong cookie", "/", { cookie: "vitrine-1=x" }, 401],
    ["a wrong token", "/?token=wrong", {}, 401],
    ["an empty token", "/?token=", {}, 401],
    ["static files without a cookie", "/_next/static/x.js", {}, 401],
    ["the recording without a cookie", "/recording/demo-pod.jsonl", {}, 401],
  ] as const)("%s", async (_, path, headers, status) => {
    expect((await ask(path, headers)).status).toBe(status);
  });

  test("another host name, as in DNS rebinding", async () => {
    for (const host of ["evil.test", `evil.test:${dashboard.port}`, "127.0.0.1", "localhost:1"]) {
      expect((await ask("/", { ...cookie(), host })).status).toBe(421);
    }
    expect((await ask("/", { ...cookie(), host: `localhost:${dashboard.port}` })).status).toBe(200);
  });

  test("another origin", async () => {
    for (const origin of [
      "http://evil.test",
      "null",
      `https://127.0.0.1:${dashboard.port}`,
      "http://127.0.0.1:1",
    ]) {
      expect((await ask("/", { ...cookie(), origin })).status).toBe(403);
    }
    expect((await ask("/", { ...cookie(), origin: dashboard.origin })).status).toBe(200);
  });

  test("another site's page", async () => {
    const answer = await ask("/", { ...cookie(), "sec-fetch-site": "cross-site" });
    expect(answer.status).toBe(403);
  });

  test("anything but reading", async () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      expect((await ask("/", cookie(), method)).status).toBe(405);
    }
  });

  test("paths that are no page and no file", async () => {
    const paths = [
      "/etc/passwd",
      "/_next/static/../../package.json",
      "/_next/static/%2e%2e/BUILD_ID",
      "/_next/image?url=x",
      "/favicon.ico",
      "/api",
      "/_next/data/x.json",
    ];
    for (const path of paths) expect((await ask(path, cookie())).status).toBe(404);
  });
});

describe("the live stream", () => {
  test("opens for the page itself", async () => {
    const line = await upgrade({ Origin: dashboard.origin, Cookie: cookie().cookie });
    expect(line).toBe("HTTP/1.1 101 Switching Protocols");
  });

  test.each([
    ["without a cookie", () => ({ Origin: dashboard.origin })],
    [
      "with a wrong cookie",
      () => ({ Origin: dashboard.origin, Cookie: `vitrine-${dashboard.port}=x` }),
    ],
    ["from another origin", () => ({ Origin: "http://evil.test", Cookie: cookie().cookie })],
    ["without an origin", () => ({ Cookie: cookie().cookie })],
    [
      "under another host",
      () => ({ Host: "evil.test", Origin: "http://evil.test", Cookie: cookie().cookie }),
    ],
    [
      "from another site",
      () => ({ Origin: dashboard.origin, Cookie: cookie().cookie, "Sec-Fetch-Site": "cross-site" }),
    ],
  ])("stays closed %s", async (_, headers) => {
    expect(await upgrade(headers())).not.toContain("101");
  });

  test("does not upgrade anywhere else, and does not poll", async () => {
    const mine = { Origin: dashboard.origin, Cookie: cookie().cookie };
    expect(await upgrade(mine, "/")).not.toContain("101");
    const poll = await ask("/live/?EIO=4&transport=polling", cookie());
    expect(poll.status).toBe(400);
    expect(poll.body).not.toContain("sid");
  });
});

describe("the process", () => {
  test("every answer carries the safety headers, refusals included", async () => {
    for (const answer of [await ask("/", cookie()), await ask("/")]) {
      expect(answer.headers["content-security-policy"]).toMatch(
        /default-src 'self'; script-src 'self' 'nonce-[^']+'; .*frame-ancestors 'none'/,
      );
      expect(answer.headers["content-security-policy"]).not.toMatch(/script-src[^;]*unsafe/);
      expect(answer.headers["x-content-type-options"]).toBe("nosniff");
      expect(answer.headers["referrer-policy"]).toBe("no-referrer");
      expect(answer.headers["cross-origin-opener-policy"]).toBe("same-origin");
      expect(answer.headers["x-powered-by"]).toBeUndefined();
    }
    const nonces = [await ask("/", cookie()), await ask("/", cookie())].map(
      (answer) => /'nonce-([^']+)'/.exec(String(answer.headers["content-security-policy"]))?.[1],
    );
    expect(nonces[0]).not.toBe(nonces[1]);
  });

  test("listens on loopback only", () => {
    const sockets = execFileSync("ss", ["-ltnpH"], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.includes(`pid=${dashboard.pid},`));
    expect(sockets.length).toBeGreaterThan(0);
    for (const line of sockets) expect(line).toContain(`127.0.0.1:${dashboard.port}`);
  });

  test.skipIf(process.getuid?.() !== 0)("is not root, and has no capability left", () => {
    const status = readFileSync(`/proc/${dashboard.pid}/status`, "utf8");
    expect(status).toMatch(/^Uid:\s+65432\s+65432\s+65432\s+65432$/m);
    expect(status).toMatch(/^Gid:\s+65432\s+65432\s+65432\s+65432$/m);
    expect(status).toMatch(/^Groups:\s*$/m);
    expect(status).toMatch(/^CapPrm:\s+0+$/m);
    expect(status).toMatch(/^CapEff:\s+0+$/m);
  });

  test("the token is in no process list and no environment", () => {
    const read = (name: string) => readFileSync(`/proc/${dashboard.pid}/${name}`, "utf8");
    expect(read("cmdline")).not.toContain(dashboard.token);
    expect(read("environ")).not.toContain(dashboard.token);
  });
});
