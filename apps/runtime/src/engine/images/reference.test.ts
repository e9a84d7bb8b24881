import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RuntimeError } from "../../kernel/errors.ts";
import { formatReference, nameOf, parseReference } from "./reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

describe("parseReference", () => {
  test.each([
    ["busybox", "docker.io/library/busybox:latest"],
    ["busybox:1.36", "docker.io/library/busybox:1.36"],
    ["user/app", "docker.io/user/app:latest"],
    ["docker.io/busybox", "docker.io/library/busybox:latest"],
    ["index.docker.io/busybox", "docker.io/library/busybox:latest"],
    ["localhost/app", "localhost/app:latest"],
    ["localhost:5000/app:1", "localhost:5000/app:1"],
    ["registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"],
    ["[::1]:5000/a/b/c", "[::1]:5000/a/b/c:latest"],
    ["UPPER.example/app", "UPPER.example/app:latest"],
    [`busybox@${digest}`, `docker.io/library/busybox@${digest}`],
    [`busybox:1@${digest}`, `docker.io/library/busybox@${digest}`],
    ["a/b__c--d.e_f", "docker.io/a/b__c--d.e_f:latest"],
    ["beef", "docker.io/library/beef:latest"],
  ])("%s is %s", (text, full) => {
    expect(formatReference(parseReference(text))).toBe(full);
    expect(formatReference(parseReference(full))).toBe(full);
  });

  test.each([
    "",
    "Busybox",
    "a//b",
    "/a",
    "a/",
    "a:",
    "a:b:c",
    "a@sha256:1234",
    `a@sha512:${"a".repeat(64)}`,
    `a@${digest}@${digest}`,
    "a/../b",
    "a b",
    "a\n",
    "example.com/",
    "example.com:port/a",
    "-a",
    "a..b",
    `${"a".repeat(256)}`,
    `a:${"b".repeat(129)}`,
    "b".repeat(64),
    "http://example.com/a",
    "ex\u00e4mple.com/a",
  ])("%j is INVALID_ARGUMENT", (text) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  test("whatever is written, it is refused in words or has a full form that means the same", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9./:@_-]{1,80}$/)), (text) => {
        try {
          const reference = parseReference(text);
          const full = formatReference(reference);
          expect(parseReference(full)).toEqual(reference);
          expect(full.startsWith(nameOf(reference))).toBe(true);
          expect(full).not.toMatch(/\.\.\/|\/\.\.|\s/);
        } catch (error) {
          expect(error).toBeInstanceOf(RuntimeError);
        }
      }),
    );
  });
});
