import { describe, expect, it } from "vitest";
import { isPattern, literalPattern, matchPattern, replace, trim } from "./pattern.ts";

describe("matchPattern", () => {
  it.each([
    ["*", "", true],
    ["a*c", "abbc", true],
    ["a*c", "abb", false],
    ["a?c", "abc", true],
    ["a?c", "ac", false],
    ["[a-c]x", "bx", true],
    ["[!a-c]x", "bx", false],
    ["[]x]", "]", true],
    ["[[:digit:]]*", "1a", true],
    ["[[:digit:]]*", "a1", false],
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["[", "[", true],
    ["*a*b*", "xxaxxbxx", true],
    ["*.*.*", "a.b", false],
  ])("%s on %s: %s", (pattern, text, matches) => {
    expect(matchPattern(pattern, text)).toBe(matches);
  });
});

it("knows a pattern from a text", () => {
  expect(["a*", "a?b", "[ab]", "a\\*", "a[", "abc"].map(isPattern)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
  expect(matchPattern(literalPattern("a*[b]"), "a*[b]")).toBe(true);
  expect(matchPattern(literalPattern("a*"), "ab")).toBe(false);
});

it.each([
  ["#", "*/", "a/b/c", "b/c"],
  ["##", "*/", "a/b/c", "c"],
  ["%", "/*", "a/b/c", "a/b"],
  ["%%", "/*", "a/b/c", "a"],
] as const)("trims by %s%s", (operator, pattern, text, rest) => {
  expect(trim(text, operator, pattern)).toBe(rest);
});

it("replaces the longest match at the first place, or everywhere", () => {
  expect(replace("aXbXc", "X*X", "-", false)).toBe("a-c");
  expect(replace("aXbXc", "X", "-", true)).toBe("a-b-c");
});
