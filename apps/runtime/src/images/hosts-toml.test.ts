import { expect, test } from "vitest";
import { parseHostsToml } from "./hosts-toml.ts";
import { defaultEndpoint } from "./registry-endpoint.ts";

const read = (path: string) => `<${path}>`;
const parse = (text: string, domain = "registry.test") => parseHostsToml(text, domain, read);
const urls = (text: string, domain?: string) =>
  parse(text, domain).map(
    ({ scheme, host, path, isMirror }) => `${scheme}://${host}${path}${isMirror ? " mirror" : ""}`,
  );

test("mirrors in the order they stand, the server last", () => {
  const text = `
    server = "https://registry.test"
    [host."https://b.test"]
    [host."http://a.test:5000"]
    [host."127.0.0.1:5000"]`;
  expect(urls(text)).toEqual([
    "https://b.test/v2 mirror",
    "http://a.test:5000/v2 mirror",
    "http://127.0.0.1:5000/v2 mirror",
    "https://registry.test/v2",
  ]);
});

test("without a server the registry itself is last; docker.io is reached where it really is", () => {
  expect(urls('[host."https://m.test"]')).toEqual([
    "https://m.test/v2 mirror",
    "https://registry.test/v2",
  ]);
  expect(urls("", "docker.io")).toEqual(["https://registry-1.docker.io/v2"]);
});

test("another host as server is a mirror: it does not get the registry's credentials", () => {
  expect(urls('server = "https://elsewhere.test"')).toEqual(["https://elsewhere.test/v2 mirror"]);
});

test("paths: /v2 is added below a prefix, not twice, and not with override_path", () => {
  const text = `
    [host."https://a.test/prefix"]
    [host."https://b.test/prefix/v2"]
    [host."https://c.test/own"]
    override_path = true`;
  expect(urls(text).slice(0, 3)).toEqual([
    "https://a.test/prefix/v2 mirror",
    "https://b.test/prefix/v2 mirror",
    "https://c.test/own mirror",
  ]);
});

test("every key of an entry", () => {
  const [mirror] = parse(`
    [host."https://m.test"]
    capabilities = ["pull"]
    skip_verify = true
    ca = ["a.pem", "b.pem"]
    client = [["c.pem", "k.pem"], ["d.pem", ""]]
    dial_timeout = "1.5s"
    [host."https://m.test".header]
    x-one = "1"
    x-many = ["a", "b"]`);
  expect(mirror).toMatchObject({
    skipVerify: true,
    ca: ["<a.pem>", "<b.pem>"],
    client: [
      { cert: "<c.pem>", key: "<k.pem>" },
      { cert: "<d.pem>", key: "<>" },
    ],
    dialTimeoutMs: 1500,
    headers: { "x-one": "1", "x-many": ["a", "b"] },
  });
  expect([...(mirror?.capabilities ?? [])]).toEqual(["pull"]);
});

test.each([
  ["not toml at all [", /no TOML/],
  ["server = 1", /server/],
  ["host = 1", /host/],
  ['[host."ftp://m.test"]', /no http or https URL/],
  ['[host."https://user:pw@m.test"]', /credentials/],
  ['[host."https://m.test"]\ncapabilities = ["fly"]', /capabilities/],
  ['[host."https://m.test"]\nskip_verify = "yes"', /skip_verify/],
  ['[host."https://m.test"]\ndial_timeout = "soon"', /dial_timeout/],
  ['[host."https://m.test"]\nskip_verfy = true', /unknown key "skip_verfy"/],
  ['[host."https://m.test".header]\n"x\\ny" = "1"', /header/],
])("%j is refused, naming the entry", (text, message) => {
  expect(() => parse(text)).toThrow(message);
});

test("plain HTTP is for this machine only", () => {
  const scheme = (domain: string) => defaultEndpoint(domain).scheme;
  expect(["localhost:5000", "127.0.0.1:80", "[::1]:5000"].map(scheme)).toEqual([
    "http",
    "http",
    "http",
  ]);
  expect(
    ["localhost", "localhost:443", "10.0.0.1:5000", "localhost.evil.test:5000"].map(scheme),
  ).toEqual(Array(4).fill("https"));
});
