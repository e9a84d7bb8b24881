/** What the few hosts outside do: a web server, a resolver, registries that accept and say who they are. */
import { answerQuery } from "./dns-message.ts";
import { type OutsideHost, type OutsideService, outsideNames, resolverIp } from "./outside.ts";

const decoder = new TextDecoder();
const encoder = new TextEncoder();

function http(status: string, body: string): Uint8Array {
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/html\r\nContent-Length: ${encoder.encode(body).length}\r\nConnection: close\r\n\r\n`;
  return encoder.encode(head + body);
}

/** Answers a whole request; a request without an end waits. */
function webServer(bodyOf: (path: string) => string | undefined): OutsideService {
  return (received) => {
    const text = decoder.decode(received);
    if (!text.includes("\r\n\r\n")) return undefined;
    const [method, path = "/"] = text.split(" ");
    if (method !== "GET" && method !== "HEAD") return http("501 Not Implemented", "");
    const body = bodyOf(path);
    return body === undefined ? http("404 Not Found", "not found\n") : http("200 OK", body);
  };
}

const examplePage =
  "<!doctype html><html><head><title>Example Domain</title></head><body><h1>Example Domain</h1>" +
  "<p>A simulated page: there is no internet behind this machine.</p></body></html>\n";

/** Every host there is outside. */
export function outsideHosts(): readonly OutsideHost[] {
  const example = webServer((path) =>
    path === "/" || path === "/index.html" ? examplePage : undefined,
  );
  const registry = webServer((path) => (path.startsWith("/v2") ? "{}\n" : undefined));
  const hosts = new Map<string, OutsideHost>();
  for (const [name, ip] of outsideNames) {
    if (hosts.has(ip)) continue;
    const page = name === "example.com" ? example : registry;
    // Nobody speaks TLS here: 443 takes the connection and answers in plain text.
    const services = new Map([
      ["tcp 80", page],
      ["tcp 443", page],
    ]);
    hosts.set(ip, { name, ip, services });
  }
  const lookUp = (name: string) => outsideNames.get(name);
  const resolver = new Map<string, OutsideService>([
    ["udp 53", (query) => answerQuery(query, lookUp)],
  ]);
  hosts.set(resolverIp, { name: "resolver", ip: resolverIp, services: resolver });
  return [...hosts.values()];
}
