import { describe, expect, it } from "vitest";
import { hostFiles } from "./fixture/host.ts";
import { resolveUser, type UserRequest } from "./user.ts";
import { parseId, userFileBytesMax } from "./user-files.ts";

const passwd = [
  "root:x:0:0:root:/root:/bin/sh",
  "# comment",
  "broken:x:5",
  "app:x:1000:1001:App:/home/app:/bin/sh",
  "1234:x:0:0:a number as name:/root:/bin/sh",
  "4294967296:x:0:0::/root:/bin/sh",
  "app:x:7:7::/second:/bin/sh",
  "big:x:4294967295:0::/:/bin/sh",
].join("\n");
const group = [
  "root:x:0:",
  "app:x:1001:",
  "wheel:x:10:root,app",
  "video:x:44:other",
  "audio:x:29:app",
  "5000:x:0:",
].join("\n");

function request(changes: Partial<UserRequest> = {}): UserRequest {
  return { supplementalGroups: [], supplementalGroupsPolicy: "Merge", ...changes };
}

function resolve(changes: Partial<UserRequest>, imageUser?: string) {
  const files = hostFiles({ "/r/etc/passwd": passwd, "/r/etc/group": group });
  return resolveUser(
    (path, bytesMax) => files.readInRoot("/r", path, bytesMax),
    request(changes),
    imageUser,
  );
}

describe("resolveUser", () => {
  it.each([
    // USER of the image, uid, gid, groups, home
    ["", 0, 0, [0, 10], "/root"],
    ["app", 1000, 1001, [1001, 10, 29], "/home/app"],
    ["1000", 1000, 1001, [1001, 10, 29], "/home/app"],
    ["app:wheel", 1000, 10, [10, 29], "/home/app"],
    ["app:7", 1000, 7, [7, 10, 29], "/home/app"],
    ["1000:44", 1000, 44, [44, 10, 29], "/home/app"],
    ["3000", 3000, 0, [0], "/"],
    ["4294967294", 4294967294, 0, [0], "/"],
  ] as const)("USER %j of an image", async (user, uid, gid, groups, home) => {
    expect(await resolve({}, user)).toMatchObject({ uid, gid, groups, home });
  });

  it("never looks a number up as a name (CVE-2016-3697)", async () => {
    expect(await resolve({}, "1234")).toMatchObject({ uid: 1234, gid: 0, username: "" });
    expect(await resolve({}, "app:5000")).toMatchObject({ gid: 5000 });
  });

  it.each([
    "4294967295",
    "4294967296",
    "99999999999999999999",
    "01",
    "0x1",
    "-1",
    " 1",
    "+1",
    "1:",
    ":1",
    "1:2:3",
    "nobody",
    "app:nogroup",
    "app:4294967296",
    "broken",
    "big",
    "١",
  ])("refuses USER %j", async (user) => {
    await expect(resolve({}, user)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("lets the CRI's choice win over the image's", async () => {
    expect(await resolve({ runAsUser: { value: 0 } }, "app")).toMatchObject({ uid: 0, gid: 0 });
    expect(await resolve({ runAsUsername: "app" }, "root")).toMatchObject({ uid: 1000 });
    const both = { runAsUser: { value: 1000 }, runAsGroup: { value: 44 } };
    expect(await resolve(both)).toMatchObject({ uid: 1000, gid: 44, groups: [44, 10, 29] });
  });

  it.each([
    ["a group without a user", { runAsGroup: { value: 5 } }],
    ["two users", { runAsUser: { value: 5 }, runAsUsername: "app" }],
    ["a negative user", { runAsUser: { value: -1 } }],
    ["a user beyond 32 bits", { runAsUser: { value: 2 ** 32 } }],
    ["a user that means unchanged", { runAsUser: { value: 2 ** 32 - 1 } }],
    ["a group beyond 32 bits", { runAsUser: { value: 1 }, runAsGroup: { value: 2 ** 32 } }],
    ["a supplemental group beyond 32 bits", { supplementalGroups: [2 ** 33] }],
  ])("refuses %s", async (_, changes) => {
    await expect(resolve(changes, "app")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("keeps the image's groups out under Strict, and the primary one in", async () => {
    const changes = {
      runAsUser: { value: 1000 },
      supplementalGroups: [60, 1001, 60],
      supplementalGroupsPolicy: "Strict",
    } as const;
    expect((await resolve(changes)).groups).toEqual([1001, 60]);
    const merged = { ...changes, supplementalGroupsPolicy: "Merge" } as const;
    expect((await resolve(merged)).groups).toEqual([1001, 10, 29, 60]);
  });

  it("does without the files when only numbers are asked for", async () => {
    const user = await resolveUser(async () => undefined, request(), "12:34");
    expect(user).toEqual({ uid: 12, gid: 34, username: "", groups: [34], home: "/" });
  });

  it("says so when the image's file cannot be read as one (CVE-2026-47262)", async () => {
    const files = hostFiles({ "/r/etc/passwd": "x".repeat(userFileBytesMax + 1) });
    const read = (path: string, bytesMax: number) => files.readInRoot("/r", path, bytesMax);
    await expect(resolveUser(read, request(), "app")).rejects.toThrow(
      /passwd cannot be read: EFBIG/,
    );
    const fifo = hostFiles({ "/r/etc/passwd": "directory" });
    const readFifo = (path: string, bytesMax: number) => fifo.readInRoot("/r", path, bytesMax);
    await expect(resolveUser(readFifo, request(), "app")).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

it("parseId takes whole decimal numbers only", () => {
  expect(["0", "7", "4294967294"].map(parseId)).toEqual([0, 7, 4294967294]);
  for (const text of ["", "00", "1e3", "1.0", "4294967295", "-0"])
    expect(parseId(text)).toBe(undefined);
});
