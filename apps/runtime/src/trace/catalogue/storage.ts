/** Steps of lessons on snapshotters: what a write costs. */
import type { CatalogueEntry } from "./entry.ts";

const overlay = "https://docs.kernel.org/filesystems/overlayfs.html";
const snapshotters =
  "https://github.com/containerd/containerd/blob/main/docs/snapshotters/README.md";

export const storageSteps = {
  "storage.snapshot": {
    level: 2,
    from: "snapshotter",
    to: "blockDevice",
    label: "{vitrine.storage.driver}: snapshot of the image",
    reply: "{vitrine.storage.written} written",
    attributes: {
      "vitrine.storage.driver": "overlayfs, btrfs, zfs or devmapper",
      "vitrine.storage.written": "bytes written for it, as people read them",
    },
    why: "A snapshot copies nothing: it only says that two names mean the same data until one of them is written to.",
    link: snapshotters,
  },
  "storage.write": {
    level: 2,
    from: "container",
    to: "kernel",
    label: "write {vitrine.storage.bytes} into {vitrine.path}",
    reply: "{vitrine.storage.cost}",
    attributes: {
      "vitrine.path": "file of the image",
      "vitrine.storage.bytes": "how much the container wrote",
      "vitrine.storage.cost": "what was read and written for it",
    },
    why: "The container writes a few bytes; what that costs depends on the smallest piece that can be copied.",
    link: snapshotters,
  },
  "storage.copy": {
    level: 2,
    from: "kernel",
    to: "blockDevice",
    label: "{vitrine.storage.copy}",
    attributes: { "vitrine.storage.copy": "what is copied before the write can happen" },
    why: "overlayfs copies the whole file up; the others copy one block, record or extent.",
    link: overlay,
  },
} as const satisfies Record<string, CatalogueEntry>;
