import { describe, expect, it } from "vitest";
import { logPathOf } from "./check-container-config.ts";

describe("log path", () => {
  it.each([
    ["/var/log/pods/p", "c/0.log", "/var/log/pods/p/c/0.log"],
    ["/var/log/pods/p/", "./c//0.log", "/var/log/pods/p/c/0.log"],
    ["/var/log", "", ""],
    ["", "", ""],
  ])("of %s and %s is %s", (directory, path, expected) => {
    expect(logPathOf(directory, path)).toBe(expected);
  });

  it.each([
    ["/var/log", "../etc/cron.d/x"],
    ["/var/log", "a/../../b"],
    ["/var/log", "/etc/passwd"],
    ["/var/log", "a\0b"],
    ["/var/log", "./"],
    ["", "c.log"],
  ])("of %s and %j is refused", (directory, path) => {
    expect(() => logPathOf(directory, path)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });
});
