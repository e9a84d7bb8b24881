/**
 * The ten classic mistakes of making a container, each as edits of its Plan: for lessons, and as the test that
 * what-if says what it should.
 */
import type { ContainerDescription, PodDescription } from "../../actors/pod-description.ts";
import { capabilityNames } from "../../kernel/capability.ts";
import { RuntimeError } from "../../kernel/errors.ts";
import type { PlanEdit } from "./edit-plan.ts";
import type { FactId } from "./exposure.ts";
import type { WhatIfSubject } from "./what-if.ts";

export interface ClassicMistake {
  readonly id: string;
  readonly title: string;
  /** One or two sentences: what is done, and what comes of it. */
  readonly why: string;
  readonly edits: readonly PlanEdit[];
  /** Unset is "pod". */
  readonly subject?: WhatIfSubject;
  /** Settings of the container that the mistake is made in. */
  readonly container?: Partial<ContainerDescription>;
  readonly pod?: Partial<PodDescription>;
  /** The fact that tells it, which is not exposed in the original and is in the edited run. */
  readonly exposes: FactId;
}

const all = [...capabilityNames];

/** The mistake of this id; RuntimeError NOT_FOUND that says which there are. */
export function mistakeNamed(id: string): ClassicMistake {
  const found = classicMistakes.find((mistake) => mistake.id === id);
  if (found !== undefined) return found;
  const known = classicMistakes.map((mistake) => mistake.id).join(", ");
  throw new RuntimeError("NOT_FOUND", `there is no mistake "${id}"; there are: ${known}`);
}

export const classicMistakes: readonly ClassicMistake[] = [
  {
    id: "no-pivot-root",
    title: "No pivot_root",
    why: "The mounts are all made, but nobody moves in: the process lives on in the host's root.",
    edits: [{ kind: "drop", choice: { op: "pivotRoot" } }],
    exposes: "root",
  },
  {
    id: "chroot",
    title: "chroot instead of pivot_root",
    why: "The root looks like the container's, but the host's is still mounted, and whoever may chroot again can walk out.",
    edits: [
      {
        kind: "insert",
        before: { op: "pivotRoot" },
        step: { process: "init", op: { op: "chroot", root: "rootfs" } },
      },
      { kind: "drop", choice: { op: "pivotRoot" } },
    ],
    exposes: "root",
  },
  {
    id: "no-pid-namespace",
    title: "No pid namespace, and /proc mounted",
    why: "A /proc shows the pid namespace of whoever mounts it: without one of its own, that is the host's.",
    edits: [{ kind: "change", choice: { op: "clone3" }, to: { namespaces: ["mnt"] } }],
    exposes: "processes",
  },
  {
    id: "all-capabilities",
    title: "All capabilities",
    why: "Root keeps every power it has on the host: to mount, to load modules, to read what it may not.",
    edits: [
      { kind: "change", choice: { op: "capBounding" }, to: { keep: all } },
      { kind: "change", choice: { op: "capset" }, to: { effective: all, permitted: all } },
    ],
    exposes: "capabilities",
  },
  {
    id: "no-user-namespace",
    title: "No user namespace: root inside is root outside",
    why: "A container with a user namespace, made without it: uid 0 inside is uid 0 outside, whatever else keeps it in.",
    edits: [
      {
        kind: "change",
        choice: { op: "clone3" },
        to: { namespaces: ["mnt", "net", "uts", "ipc", "pid"] },
      },
      { kind: "drop", choice: { op: "idMap" } },
    ],
    subject: "userNamespace",
    exposes: "uid",
  },
  {
    id: "shared-propagation",
    title: "Shared propagation",
    why: "A volume that is taken before the ties to the host are cut stays tied: what the container mounts in it appears on the host.",
    edits: [
      { kind: "move", choice: { op: "openTree", text: "/srv" }, before: { op: "propagate" } },
    ],
    container: { mounts: [{ containerPath: "/data", hostPath: "/srv" }] },
    exposes: "propagation",
  },
  {
    id: "host-dev",
    title: "The host's /dev",
    why: "A bind of the host's /dev instead of a few harmless nodes: disks and memory have names in there.",
    edits: [
      {
        kind: "insert",
        before: { op: "pivotRoot" },
        step: {
          process: "init",
          op: { op: "openTree", path: "/dev", clone: true, recursive: false, as: "hostdev" },
        },
      },
      {
        kind: "insert",
        before: { op: "pivotRoot" },
        step: {
          process: "init",
          op: { op: "moveMount", fd: "hostdev", at: "rootfs", path: "/dev" },
        },
      },
    ],
    exposes: "devices",
  },
  {
    id: "no-seccomp",
    title: "No seccomp",
    why: "Every system call of the kernel can be made, the old and the broken ones among them.",
    edits: [{ kind: "drop", choice: { op: "seccomp" } }],
    exposes: "seccomp",
  },
  {
    id: "no-masked-paths",
    title: "No masked paths",
    why: "Files of /proc and /sys that know of the whole host stay readable.",
    edits: [{ kind: "drop", choice: { op: "maskPath" }, all: true }],
    exposes: "masked",
  },
  {
    id: "cgroup-writable",
    title: "A writable cgroup",
    why: "The container's own limits are files that it may write.",
    edits: [
      {
        kind: "change",
        choice: { op: "fsmount", text: "cgroup2" },
        to: { attrs: ["nosuid", "noexec", "nodev", "relatime"] },
      },
    ],
    exposes: "cgroup",
  },
];
