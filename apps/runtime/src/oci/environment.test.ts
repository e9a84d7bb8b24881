import { describe, expect, it } from "vitest";
import { resolveArgs, resolveEnvironment, resolveWorkingDir } from "./environment.ts";

const image = { Entrypoint: ["/entry"], Cmd: ["a", "b"] };
const bytes = (text: string) => new TextEncoder().encode(text);

describe("resolveArgs", () => {
  it.each([
    [[], [], ["/entry", "a", "b"]],
    [[], ["x"], ["/entry", "x"]],
    [["/cmd"], [], ["/cmd"]],
    [["/cmd"], ["x"], ["/cmd", "x"]],
  ])("command %j args %j", (command, args, expected) => {
    expect(resolveArgs({ command, args }, image)).toEqual(expected);
  });

  it("runs Cmd alone when the image has no Entrypoint", () => {
    expect(resolveArgs({ command: [], args: [] }, { Entrypoint: null, Cmd: ["sh"] })).toEqual([
      "sh",
    ]);
  });

  it("refuses nothing to run, and arguments no argv can hold", () => {
    expect(() => resolveArgs({ command: [], args: [] }, {})).toThrow("no command");
    expect(() => resolveArgs({ command: [""], args: [] }, {})).toThrow("no command");
    expect(() => resolveArgs({ command: ["a\0b"], args: [] }, {})).toThrow("NUL");
  });
});

describe("resolveEnvironment", () => {
  const request = { image: {}, envs: [], hostname: undefined, home: "/", tty: false };

  it("has a PATH and a HOME of its own", () => {
    expect(resolveEnvironment({ ...request, home: "/root" })).toEqual([
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOME=/root",
    ]);
  });

  it("lets the config win over the host name, that over the image, that over the defaults", () => {
    const env = resolveEnvironment({
      image: { Env: ["PATH=/bin", "A=image", "HOSTNAME=image", "TERM=vt100", "EMPTY"] },
      envs: [
        { key: "A", value: bytes("config=1") },
        { key: "B", value: bytes("") },
        { key: "HOME", value: bytes("/h") },
      ],
      hostname: "pod",
      home: "/root",
      tty: true,
    });
    expect(env).toEqual([
      "PATH=/bin",
      "TERM=vt100",
      "A=config=1",
      "HOSTNAME=pod",
      "EMPTY=",
      "B=",
      "HOME=/h",
    ]);
  });

  it("takes no line break from /etc/passwd (CVE-2022-4318)", () => {
    expect(resolveEnvironment({ ...request, home: "/x\nroot2::0:0" })).toContain("HOME=/");
  });

  it.each([
    ["", bytes("x")],
    ["A=B", bytes("x")],
    ["A", bytes("x\0y")],
    ["A", new Uint8Array([0xff])],
  ])("refuses %j", (key, value) => {
    expect(() => resolveEnvironment({ ...request, envs: [{ key, value }] })).toThrow(/environment/);
  });
});

it("the working directory is the config's, the image's, or the root", () => {
  expect(resolveWorkingDir("/a", { WorkingDir: "/b" })).toBe("/a");
  expect(resolveWorkingDir("", { WorkingDir: "/b" })).toBe("/b");
  expect(resolveWorkingDir("", {})).toBe("/");
  expect(() => resolveWorkingDir("a", {})).toThrow("not an absolute path");
});
