import { expect, it } from "vitest";
import { isIpAddress, isIpWithPrefix } from "./ip-address.ts";

it.each([
  "0.0.0.0",
  "127.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "fe80::1",
  "2001:db8::",
  "1:2:3:4:5:6:7:8",
  "::ffff:10.1.2.3",
  "1:2:3:4:5:6:10.1.2.3",
])("%s is an address", (text) => {
  expect(isIpAddress(text)).toBe(true);
});

it.each([
  "",
  "1.2.3",
  "1.2.3.4.5",
  "256.1.1.1",
  "01.2.3.4",
  "1.2.3.4 ",
  "banana",
  ":",
  ":::",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::8",
  "12345::",
  "g::",
  "::10.1.2",
  "10.1.2.3::",
  "fe80::1%eth0",
  "1.2.3.4/24",
])("%j is none", (text) => {
  expect(isIpAddress(text)).toBe(false);
});

it("a prefix length must be there, and fit the family", () => {
  for (const text of ["10.0.0.1/24", "10.0.0.1/0", "10.0.0.1/32", "fd00::1/64", "fd00::1/128"]) {
    expect(isIpWithPrefix(text)).toBe(true);
  }
  for (const text of [
    "10.0.0.1",
    "10.0.0.1/33",
    "10.0.0.1/",
    "10.0.0.1/024",
    "fd00::1/129",
    "banana/24",
    "10.0.0.1/24/1",
  ]) {
    expect(isIpWithPrefix(text)).toBe(false);
  }
});
