import { describe, expect, it } from "vitest";
import { signalName, signalNumber, stopSignal } from "./signals.ts";

describe("signalNumber", () => {
  it.each([
    ["SIGTERM", 15],
    ["TERM", 15],
    ["sigterm", 15],
    ["SIGNAL_SIGUSR1", 10],
    ["9", 9],
    ["64", 64],
    ["SIGRTMIN", 34],
    ["SIGRTMIN+3", 37],
    ["RTMAX-2", 62],
    ["SIGNAL_SIGRTMINPLUS15", 49],
    ["SIGNAL_SIGRTMAXMINUS14", 50],
    ["SIGNAL_SIGRTMAX", 64],
    ["SIGNAL_SIGCLD", 17],
    ["", undefined],
    ["SIGNAL_RUNTIME_DEFAULT", undefined],
  ])("%s", (name, number) => {
    expect(signalNumber(name)).toBe(number);
  });

  it.each([
    "SIGFOO",
    "0",
    "65",
    "99",
    "-1",
    "SIGRTMIN+31",
    "SIGRTMIN-1",
    "SIGRTMAX+1",
    "15 ",
    "constructor",
  ])("refuses %j", (name) => {
    expect(() => signalNumber(name)).toThrow("unknown signal");
  });
});

it("every number but the two that libc keeps has a name that means it", () => {
  for (let number = 1; number <= 64; number += 1) {
    if (number === 32 || number === 33) expect(() => signalName(number)).toThrow();
    else expect(signalNumber(`SIGNAL_${signalName(number)}`)).toBe(number);
  }
});

it("the CRI's stop signal wins over the image's, and SIGTERM is left", () => {
  expect(stopSignal("SIGNAL_SIGINT", "SIGQUIT")).toBe(2);
  expect(stopSignal("SIGNAL_RUNTIME_DEFAULT", "SIGQUIT")).toBe(3);
  expect(stopSignal("SIGNAL_RUNTIME_DEFAULT", undefined)).toBe(15);
});
