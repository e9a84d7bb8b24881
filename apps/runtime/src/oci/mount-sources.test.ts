import { describe, expect, it } from "vitest";
import type { Mount } from "../api/index.ts";
import { hostFiles } from "./fixture/host.ts";
import { mount } from "./fixture/requests.ts";
import { resolveMounts } from "./mount-sources.ts";
import { mountOf, parseMountTable } from "./mount-table.ts";

const table = [
  "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
  "30 27 0:30 / /private rw - tmpfs tmpfs rw",
  "31 27 0:31 / /slave rw master:7 - tmpfs tmpfs rw",
  "32 27 0:32 / /with\\040space rw shared:9 master:7 - tmpfs tmpfs rw",
  "33 30 0:33 / /private rw shared:4 - tmpfs tmpfs rw",
  "34 27 0:34 / /alone rw - tmpfs tmpfs rw",
].join("\n");
const files = hostFiles({
  "/proc/self/mountinfo": table,
  "/data": "directory",
  "/link": { link: "/data" },
  "/dangling": { link: "/nowhere" },
  "/file": "text",
  "/slave/dir": "directory",
  "/alone/dir": "directory",
  "/image/sub/dir": "directory",
  "/image/sub/file": "more than one byte",
});
const images = new Map([["/model", "/image"]]);
const ofImage = { containerPath: "/model", readonly: true, image: imageSpec("models:1") };

function imageSpec(image: string) {
  return { image, annotations: {}, userSpecifiedImage: "", runtimeHandler: "", imageRef: "" };
}

async function resolve(changes: Partial<Mount>) {
  return (await resolveMounts(files, [mount(changes)], images))[0];
}

describe("resolveMounts", () => {
  it("follows symlinks of the host and tells files from directories", async () => {
    expect(await resolve({ containerPath: "/a/../b/", hostPath: "/link" })).toMatchObject({
      destination: "/b",
      source: "/data",
      kind: "directory",
      propagation: "private",
    });
    expect(await resolve({ containerPath: "/etc/x", hostPath: "/file" })).toMatchObject({
      kind: "file",
    });
  });

  it.each<[string, Partial<Mount>, RegExp]>([
    ["a missing source", { containerPath: "/a", hostPath: "/nowhere" }, /does not exist/],
    ["a dangling symlink", { containerPath: "/a", hostPath: "/dangling" }, /does not exist/],
    ["a relative destination", { containerPath: "a", hostPath: "/data" }, /not absolute/],
    ["a relative source", { containerPath: "/a", hostPath: "data" }, /not absolute/],
    ["no source", { containerPath: "/a" }, /not absolute/],
    ["the root", { containerPath: "/a/..", hostPath: "/data" }, /root/],
    ["/proc (CVE-2019-16884)", { containerPath: "/proc", hostPath: "/data" }, /\/proc/],
    ["/proc/self", { containerPath: "/x/../proc/self", hostPath: "/data" }, /\/proc/],
    [
      "recursive read-only of a writable mount",
      { containerPath: "/a", hostPath: "/data", recursiveReadOnly: true },
      /recursive_read_only/,
    ],
    [
      "recursive read-only with propagation",
      {
        containerPath: "/a",
        hostPath: "/data",
        readonly: true,
        recursiveReadOnly: true,
        propagation: "PROPAGATION_HOST_TO_CONTAINER",
      },
      /recursive_read_only/,
    ],
    [
      "an unknown option",
      { containerPath: "/a", hostPath: "/data", mountOptions: ["suid"] },
      /suid/,
    ],
    [
      "id mappings without a user namespace",
      {
        containerPath: "/a",
        hostPath: "/data",
        uidMappings: [{ hostId: 1, containerId: 0, length: 1 }],
      },
      /id mappings/,
    ],
    ["a writable image", { ...ofImage, readonly: false }, /read-only/],
    ["an image with a host path", { ...ofImage, hostPath: "/data" }, /both/],
    [
      "an image with propagation",
      { ...ofImage, propagation: "PROPAGATION_BIDIRECTIONAL" },
      /propagation/,
    ],
    ["an image sub path that is not there", { ...ofImage, imageSubPath: "none" }, /does not exist/],
    ["an image sub path upwards", { ...ofImage, imageSubPath: "../sub" }, /"\.\."/],
  ])("refuses %s", async (_, changes, message) => {
    const attempt = resolve(changes);
    await expect(attempt).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(attempt).rejects.toThrow(message);
  });

  it.each([
    ["/data", "PROPAGATION_BIDIRECTIONAL", "shared"],
    ["/data", "PROPAGATION_HOST_TO_CONTAINER", "slave"],
    ["/slave/dir", "PROPAGATION_HOST_TO_CONTAINER", "slave"],
  ] as const)("%s can have %s", async (hostPath, propagation, expected) => {
    expect(await resolve({ containerPath: "/a", hostPath, propagation })).toMatchObject({
      propagation: expected,
    });
  });

  it.each([
    ["/slave/dir", "PROPAGATION_BIDIRECTIONAL"],
    ["/alone/dir", "PROPAGATION_BIDIRECTIONAL"],
    ["/alone/dir", "PROPAGATION_HOST_TO_CONTAINER"],
  ] as const)("%s cannot have %s", async (hostPath, propagation) => {
    await expect(resolve({ containerPath: "/a", hostPath, propagation })).rejects.toThrow(
      /which is not a shared/,
    );
  });

  it("lets lxcfs cover the files it exists for", async () => {
    expect(await resolve({ containerPath: "/proc/meminfo", hostPath: "/file" })).toMatchObject({
      destination: "/proc/meminfo",
    });
  });

  it("keeps image mounts and their sub paths apart", async () => {
    expect(await resolve(ofImage)).toMatchObject({
      source: "/image",
      subPath: "",
      kind: "directory",
    });
    expect(await resolve({ ...ofImage, imageSubPath: "sub/dir" })).toMatchObject({
      source: "/image",
      subPath: "/sub/dir",
      kind: "directory",
    });
    expect(await resolve({ ...ofImage, imageSubPath: "sub/file" })).toMatchObject({ kind: "file" });
  });
});

it("two mounts cannot have one place", async () => {
  const twice = ["/a", "/b/../a/"].map((containerPath) =>
    mount({ containerPath, hostPath: "/data" }),
  );
  await expect(resolveMounts(files, twice, images)).rejects.toThrow("two mounts");
});

it("the mount table finds the topmost mount of a path", () => {
  const entries = parseMountTable(table);
  expect(mountOf(entries, "/private/x")).toMatchObject({ sharedGroup: 4 });
  expect(mountOf(entries, "/privately")).toMatchObject({ mountPoint: "/" });
  expect(mountOf(entries, "/with space/x")).toMatchObject({ sharedGroup: 9, masterGroup: 7 });
});
