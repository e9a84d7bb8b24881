/** The pure parts of applets: dates, modes, regular expressions, printf, options. */
import { describe, expect, it } from "vitest";
import { formatTime, unixSeconds } from "./calendar.ts";
import { UsageError } from "./call.ts";
import { catalogue } from "./catalogue.ts";
import { echoText, printfText } from "./echo.ts";
import { humanSize } from "./human-size.ts";
import { modeText, parseMode } from "./mode.ts";
import { parseOptions, parseSize } from "./options.ts";
import { compileRegex } from "./regular-expression.ts";

describe("calendar", () => {
  it.each([
    ["1970-01-01", 0],
    ["2000-02-29", 951_782_400],
    ["2026-11-24", 1_795_478_400],
    ["2100-03-01", 4_107_542_400],
  ])("%s is %d", (date, seconds) => {
    expect(formatTime("%Y-%m-%d", BigInt(seconds) * 1_000_000_000n)).toBe(date);
    const [year = 0, month = 0, day = 0] = date.split("-").map(Number);
    expect(unixSeconds(year, month, day)).toBe(seconds);
  });

  it("agrees with the host's calendar over four centuries", () => {
    for (let day = -100_000; day < 150_000; day += 997) {
      const date = new Date(day * 86_400_000);
      const expected = date.toISOString().slice(0, 10);
      if (date.getUTCFullYear() < 1000) continue;
      expect(formatTime("%Y-%m-%d", BigInt(day) * 86_400_000_000_000n)).toBe(expected);
    }
  });
});

describe("modes", () => {
  it.each([
    ["644", 0, 0o644],
    ["u+x", 0o644, 0o744],
    ["go-r", 0o644, 0o600],
    ["a=rx", 0o777, 0o555],
    ["+t", 0o755, 0o1755],
    ["u=g", 0o074, 0o774],
    ["u+s,g+s", 0o755, 0o6755],
  ])("%s on %s", (text, before, after) => {
    expect(parseMode(text, before, false, 0o022)).toBe(after);
  });

  it("refuses what is none", () => {
    expect(["999", "u", "x+y", ""].map((text) => parseMode(text, 0, false, 0))).toEqual(
      Array(4).fill(undefined),
    );
  });

  it("shows special bits", () => {
    expect(modeText("file", 0o4755)).toBe("-rwsr-xr-x");
    expect(modeText("directory", 0o1777)).toBe("drwxrwxrwt");
    expect(modeText("char", 0o2640)).toBe("crw-r-S---");
  });
});

describe("regular expressions of POSIX", () => {
  it.each([
    ["a\\+", false, "caab", "aa"],
    ["a+", false, "aa+", "a+"],
    ["\\(ab\\)*c", false, "ababc", "ababc"],
    ["(a|b)+", true, "xabx", "ab"],
    ["^*x", false, "*x", "*x"],
    ["[[:upper:]]\\{2\\}", false, "aBCd", "BC"],
    ["a{2}", true, "baaa", "aa"],
    ["[]a]", false, "]", "]"],
  ])("%s", (pattern, extended, text, match) => {
    expect(compileRegex(pattern, extended, "").exec(text)?.[0]).toBe(match);
  });
});

it("prints numbers as C does", () => {
  expect(
    printfText("%5.1f|%-6d|%06d|%x|%e|%g", ["2.25", "42", "-42", "255", "12345", "0.0001"]).text,
  ).toBe("  2.2|42    |-00042|ff|1.234500e+04|0.0001");
  expect(printfText("%s,", ["a", "b"]).text).toBe("a,b,");
  expect(printfText("%d", ["x"]).errors).toEqual(["invalid number 'x'"]);
  expect(echoText(["-n", "-e", "a\\tb\\c", "x"])).toBe("a\tb");
});

it("reads options as getopt does", () => {
  const options = parseOptions(["-la", "x", "-n5", "--long=v", "--", "-z"], "lan:", { long: "L:" });
  expect([options.has("l"), options.has("a"), options.value("n"), options.value("L")]).toEqual([
    true,
    true,
    "5",
    "v",
  ]);
  expect(options.operands).toEqual(["x", "-z"]);
  expect(parseOptions(["a", "-b"], "+b").operands).toEqual(["a", "-b"]);
  expect(() => parseOptions(["-q"], "l")).toThrow(UsageError);
  expect([parseSize("2k"), parseSize("1M"), humanSize(1536)]).toEqual([2048, 1_048_576, "1.5K"]);
});

it("has a catalogue in order, one line each", () => {
  const names = catalogue().map(({ name }) => name);
  expect([...names].sort()).toEqual(names);
  expect(new Set(names).size).toBe(names.length);
});
