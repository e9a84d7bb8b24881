/** httpd, with the answers of busybox. */

import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { chdir, getcwd } from "../syscall/file.ts";
import { clone3, setsid } from "../syscall/process.ts";
import { bind, listen, socket } from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import type { AppletTable } from "./applet.ts";
import { AppletError, type Call } from "./call.ts";
import { errnoMessage } from "./errno-message.ts";
import { bytesOf } from "./file-text.ts";
import { contentType, find, httpDate, type Reply, serve } from "./net-file-server.ts";
import type { HttpRequest } from "./net-http.ts";
import { parseOptions } from "./options.ts";

const titles: Readonly<Record<number, readonly [string, string]>> = {
  403: ["Forbidden", ""],
  404: ["Not Found", "The requested URL was not found"],
  501: ["Not Implemented", "The requested method is not recognized"],
};

function headOf(self: Process, status: number, title: string, rest: string): string {
  const date = httpDate(self.machine.unixNs());
  return `HTTP/1.1 ${status} ${title}\r\nDate: ${date}\r\nConnection: close\r\n${rest}\r\n`;
}

function errorReply(self: Process, status: number): Reply {
  const [title, text] = titles[status] ?? ["Error", ""];
  const page = `<HTML><HEAD><TITLE>${status} ${title}</TITLE></HEAD>\n<BODY><H1>${status} ${title}</H1>\n${text}\n</BODY></HTML>\n`;
  return {
    status,
    head: headOf(self, status, title, "Content-type: text/html\r\n"),
    body: bytesOf(page),
  };
}

function* replyTo(self: Process, root: string, request: HttpRequest): Coroutine<Reply> {
  const { method, path } = request;
  if (method !== "GET" && method !== "HEAD") return errorReply(self, 501);
  const found = yield* find(self, root, path);
  if (found.kind === "missing") return errorReply(self, 404);
  if (found.kind === "forbidden") return errorReply(self, 403);
  if (found.kind === "redirect") {
    const rest = `Content-type: text/html\r\nLocation: ${found.location}\r\n`;
    return { status: 302, head: headOf(self, 302, "Found", rest), body: new Uint8Array(0) };
  }
  const { stat, content } = found;
  const seconds = (stat.mtimeNs / 1_000_000_000n).toString(16);
  const rest =
    `Content-type: ${contentType(found.path, "application/octet-stream")}\r\n` +
    `Accept-Ranges: bytes\r\nLast-Modified: ${httpDate(stat.mtimeNs)}\r\n` +
    `ETag: "${seconds}-${content.length.toString(16)}"\r\nContent-Length: ${content.length}\r\n`;
  return { status: 200, head: headOf(self, 200, "OK", rest), body: content };
}

/** "[IP:]PORT". */
function placeOf(text: string): readonly [ip: string, port: number] {
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new AppletError(`bad port '${text}'`);
  }
  return [colon < 0 ? "::" : text.slice(0, colon), port];
}

function open(call: Call, ip: string, port: number): number {
  const fd = socket(call.self, "tcp");
  try {
    bind(call.self, fd, ip, port);
    listen(call.self, fd, 9);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    throw new AppletError(`bind: ${errnoMessage(thrown)}`);
  }
  return fd;
}

function* run(call: Call, listener: number, verbose: boolean): Coroutine<number> {
  const { self } = call;
  const root = getcwd(self) === "/" ? "" : getcwd(self);
  return yield* serve(
    self,
    listener,
    (request) => replyTo(self, root, request),
    function* ({ ip, port, reply }) {
      const shown = ip.includes(":") ? ip : `::ffff:${ip}`;
      if (verbose) call.say(`[${shown}]:${port}: response:${reply.status}\n`);
      yield* call.flush();
    },
  );
}

function* httpd(call: Call): Coroutine<number> {
  const options = parseOptions(call.args, "fivp:h:c:u:");
  const home = options.value("h");
  if (home !== undefined) {
    try {
      chdir(call.self, home);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      throw new AppletError(`can't change directory to '${home}': ${errnoMessage(thrown)}`);
    }
  }
  const [ip, port] = placeOf(options.value("p") ?? "80");
  const listener = open(call, ip, port);
  const verbose = options.has("v");
  if (options.has("f")) return yield* run(call, listener, verbose);
  // Without -f it goes into the background.
  clone3(call.self, {
    namespaces: [],
    body: function* (child) {
      setsid(child);
      return yield* run(call.inChild(child), listener, verbose);
    },
  });
  return 0;
}

export const httpdApplets: AppletTable = { httpd };
