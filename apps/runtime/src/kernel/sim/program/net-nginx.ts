/** nginx as far as its image needs it: one server, `listen` and `root` of its configuration, logs, signals. */

import { errnoByName } from "../../errno.ts";
import { SIGINT, SIGQUIT, SIGTERM } from "../abi.ts";
import type { Process } from "../process/process.ts";
import { isRefusal } from "../refusal.ts";
import { exitProcess, getpid, sigaction } from "../syscall/process.ts";
import { bind, listen, socket } from "../syscall/socket.ts";
import type { Coroutine } from "../task.ts";
import { formatTime } from "./calendar.ts";
import { print } from "./cni-call.ts";
import { errnoMessage } from "./errno-message.ts";
import { bytesOf, tryFileText } from "./file-text.ts";
import {
  contentType,
  type Exchange,
  find,
  httpDate,
  type Reply,
  serve,
} from "./net-file-server.ts";
import type { HttpRequest } from "./net-http.ts";

const version = "nginx/1.29.1";

interface Server {
  readonly port: number;
  readonly root: string;
}

function configured(self: Process): Server {
  const text =
    tryFileText(self, "/etc/nginx/conf.d/default.conf") ??
    tryFileText(self, "/etc/nginx/nginx.conf") ??
    "";
  const port = Number(/^\s*listen\s+(?:[^;\s]*:)?([0-9]+)/m.exec(text)?.[1] ?? 80);
  const root = /^\s*root\s+([^;\s]+)/m.exec(text)?.[1] ?? "/usr/share/nginx/html";
  return { port, root: root === "/" ? "" : root };
}

function notice(self: Process, level: string, text: string): string {
  const now = formatTime("%Y/%m/%d %H:%M:%S", self.machine.unixNs());
  const pid = getpid(self);
  return `${now} [${level}] ${pid}#${pid}: ${text}\n`;
}

function headOf(self: Process, status: string, rest: string): string {
  const date = httpDate(self.machine.unixNs());
  return `HTTP/1.1 ${status}\r\nServer: ${version}\r\nDate: ${date}\r\n${rest}Connection: close\r\n\r\n`;
}

function errorReply(self: Process, status: number, title: string): Reply {
  const heading = `${status} ${title}`;
  const body = bytesOf(
    `<html>\r\n<head><title>${heading}</title></head>\r\n<body>\r\n<center><h1>${heading}</h1></center>\r\n` +
      `<hr><center>${version}</center>\r\n</body>\r\n</html>\r\n`,
  );
  const rest = `Content-Type: text/html\r\nContent-Length: ${body.length}\r\n`;
  return { status, head: headOf(self, heading, rest), body };
}

function* replyTo(self: Process, { root }: Server, request: HttpRequest): Coroutine<Reply> {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return errorReply(self, 405, "Not Allowed");
  }
  const found = yield* find(self, root, request.path);
  if (found.kind === "missing") return errorReply(self, 404, "Not Found");
  if (found.kind === "forbidden") return errorReply(self, 403, "Forbidden");
  if (found.kind === "redirect") {
    const host = request.headers.get("host") ?? "localhost";
    const { body } = errorReply(self, 301, "Moved Permanently");
    const location = `Location: http://${host}${found.location}\r\n`;
    const rest = `Content-Type: text/html\r\nContent-Length: ${body.length}\r\n${location}`;
    return { status: 301, head: headOf(self, "301 Moved Permanently", rest), body };
  }
  const { stat, content, path } = found;
  const rest =
    `Content-Type: ${contentType(path, "application/octet-stream")}\r\nContent-Length: ${content.length}\r\n` +
    `Last-Modified: ${httpDate(stat.mtimeNs)}\r\nAccept-Ranges: bytes\r\n`;
  return { status: 200, head: headOf(self, "200 OK", rest), body: content };
}

function accessLine(self: Process, { ip, request, reply }: Exchange): string {
  const time = formatTime("%d/%b/%Y:%H:%M:%S +0000", self.machine.unixNs());
  const agent = request.headers.get("user-agent") ?? "-";
  return `${ip} - - [${time}] "${request.line}" ${reply.status} ${reply.body.length} "-" "${agent}" "-"\n`;
}

/** nginx [-g DIRECTIVES] [-t] [-v]. */
export function* nginx(self: Process): Coroutine<number> {
  const args = self.argv.slice(1);
  if (args.includes("-v")) {
    yield* print(self, 2, `nginx version: ${version} (simulated)\n`);
    return 0;
  }
  const server = configured(self);
  if (args.includes("-t")) {
    yield* print(self, 2, "nginx: configuration file /etc/nginx/nginx.conf test is successful\n");
    return 0;
  }
  const listener = socket(self, "tcp");
  try {
    bind(self, listener, "0.0.0.0", server.port);
    listen(self, listener, 511);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    const why = `(${errnoByName[thrown.errno]}: ${errnoMessage(thrown)})`;
    const what = `bind() to 0.0.0.0:${server.port} failed ${why}`;
    yield* print(self, 2, `${notice(self, "emerg", what)}nginx: [emerg] ${what}\n`);
    return 1;
  }
  for (const signal of [SIGTERM, SIGINT, SIGQUIT]) {
    sigaction(self, signal, () => exitProcess(self, { kind: "exited", code: 0 }));
  }
  yield* print(
    self,
    2,
    notice(self, "notice", version) + notice(self, "notice", "start worker processes"),
  );
  return yield* serve(
    self,
    listener,
    (request) => replyTo(self, server, request),
    (exchange) => print(self, 1, accessLine(self, exchange)),
  );
}
