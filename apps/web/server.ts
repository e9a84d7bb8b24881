/**
 * The dashboard: Next.js page, socket.io and a reader of vitrined's trace stream in one unprivileged
 * process on loopback. Order matters: everything it will ever read from disk is read first (built
 * files, recording, the page's own modules by rendering it once), then it listens, gives up root, and
 * only then connects to the trace socket, which the daemon opens to this user's group.
 *
 * When ready it prints one JSON line: {"event":"ready","url":...,"port":...,"user":...}.
 */
import { randomBytes } from "node:crypto";
import { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Socket } from "node:net";
import { join } from "node:path";
import next from "next";
import { AccessGuard } from "./server/access-guard.ts";
import { BrowserRelay } from "./server/browser-relay.ts";
import { dropPrivileges } from "./server/drop-privileges.ts";
import { makeHttpServer, type PageHandler, recordingPath } from "./server/http-server.ts";
import { type Options, readOptions, readToken, usage } from "./server/options.ts";
import { readOptionalFile, readStaticFiles } from "./server/static-files.ts";
import { TraceSource } from "./server/trace-source.ts";

const webDirectory = import.meta.dirname;
const recordingBytesMax = 50 << 20;

/** Renders the page once into nothing, so that every module it needs is loaded. */
async function warmUp(page: PageHandler): Promise<void> {
  const request = new IncomingMessage(new Socket());
  request.method = "GET";
  request.url = "/";
  request.headers = { host: "127.0.0.1" };
  const response = new ServerResponse(request);
  await page(request, response);
  if (response.statusCode !== 200) throw new Error(`the page answers ${response.statusCode}`);
}

async function preparePage(): Promise<PageHandler> {
  process.env["NEXT_TELEMETRY_DISABLED"] = "1";
  // Standard output carries the one line for the starter; what Next has to say goes to standard error.
  console.log = console.error;
  const app = next({ dev: false, dir: webDirectory, quiet: true });
  await app.prepare();
  const handle = app.getRequestHandler();
  const page: PageHandler = (request, response) => handle(request, response);
  await warmUp(page);
  return page;
}

function startLive(options: Options, relay: BrowserRelay): TraceSource | undefined {
  if (options.traceSocket === undefined) return undefined;
  let wasConnected = false;
  const source = new TraceSource(options.traceSocket, () => {
    relay.wake();
    if (source.state.connected !== wasConnected) {
      wasConnected = source.state.connected;
      relay.announce();
    }
  });
  relay.attach(source);
  source.start();
  return source;
}

async function main(): Promise<void> {
  const demo = join(webDirectory, "../../traces/real/demo-pod.jsonl");
  const options = readOptions(process.argv.slice(2), process.env, demo);
  if (options.help) {
    process.stdout.write(usage);
    return;
  }
  const token = readToken(process.env, () => randomBytes(32).toString("base64url"));
  delete process.env["VITRINE_DASHBOARD_TOKEN"];
  const files = new Map(readStaticFiles(webDirectory));
  const recording =
    options.recording === undefined
      ? undefined
      : readOptionalFile(options.recording, recordingBytesMax);
  if (recording) files.set(recordingPath, recording);
  process.env["VITRINE_PAGE"] = JSON.stringify({
    live: options.traceSocket !== undefined,
    recording: recording ? recordingPath : undefined,
    simulated: options.simulated,
  });
  const page = await preparePage();

  let guard = new AccessGuard(0, token);
  const server = makeHttpServer(() => guard, { files, page });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  guard = new AccessGuard(port, token);
  const dropped = dropPrivileges(options.userId);
  const relay = new BrowserRelay(server, guard);
  const source = startLive(options, relay);

  const stop = () => {
    source?.stop();
    void relay.close().finally(() => process.exit(0));
    setTimeout(() => process.exit(0), 1_000).unref();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  if (options.endWithStdin) process.stdin.once("close", stop).once("error", stop).resume();
  const url = `http://127.0.0.1:${port}/?token=${token}`;
  const user = dropped ? options.userId : (process.getuid?.() ?? -1);
  process.stdout.write(`${JSON.stringify({ event: "ready", url, port, user })}\n`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
