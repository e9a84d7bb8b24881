/**
 * The ten classic mistakes of making a container, each as edits of its Plan: for lessons, and as the test that
 * what-if says what it should.
 */
import type { ContainerDescription, PodDescription } from "../../actors/pod-description.ts";
import { capabilityNames } from "../../kernel/capability.ts";
import type { PlanEdit } from "./edit-plan.ts";
import type { FactId } from "./exposure.ts";

export interface ClassicMistake {
  readonly id: string;
  readonly title: string;
  readonly edits: readonly PlanEdit[];
  /** Settings of the container that the mistake is made in. */
  readonly container?: Partial<ContainerDescription>;
  readonly pod?: Partial<PodDescription>;
  /** The fact that tells it, which is not exposed in the original and is in the edited run. */
  readonly exposes: FactId;
}

const all = [...capabilityNames];

export const classicMistakes: readonly ClassicMistake[] = [
  {
    id: "no-pivot-root",
    title: "No pivot_root",
    edits: [{ kind: "drop", choice: { op: "pivotRoot" } }],
    exposes: "root",
  },
  {
    id: "chroot",
    title: "chroot instead of pivot_root",
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
    edits: [{ kind: "change", choice: { op: "clone3" }, to: { namespaces: ["mnt"] } }],
    exposes: "processes",
  },
  {
    id: "all-capabilities",
    title: "All capabilities",
    edits: [
      { kind: "change", choice: { op: "capBounding" }, to: { keep: all } },
      { kind: "change", choice: { op: "capset" }, to: { effective: all, permitted: all } },
    ],
    exposes: "capabilities",
  },
  {
    id: "root-of-the-host",
    title: "No user namespace: root inside is root outside",
    edits: [
      { kind: "change", choice: { op: "setgroups" }, to: { groups: [0] } },
      { kind: "change", choice: { op: "setresgid" }, to: { gid: 0 } },
      { kind: "change", choice: { op: "setresuid" }, to: { uid: 0 } },
    ],
    container: { security: { runAsUser: { value: 1000 } } },
    exposes: "uid",
  },
  {
    id: "shared-propagation",
    title: "Shared propagation",
    edits: [{ kind: "drop", choice: { op: "propagate" }, all: true }],
    container: { mounts: [{ containerPath: "/data", hostPath: "/var/data" }] },
    exposes: "propagation",
  },
  {
    id: "host-dev",
    title: "The host's /dev",
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
    edits: [{ kind: "drop", choice: { op: "seccomp" } }],
    exposes: "seccomp",
  },
  {
    id: "no-masked-paths",
    title: "No masked paths",
    edits: [{ kind: "drop", choice: { op: "maskPath" }, all: true }],
    exposes: "masked",
  },
  {
    id: "cgroup-writable",
    title: "A writable cgroup",
    edits: [
      {
        kind: "change",
        choice: { op: "mountSetattr", text: "cgroup" },
        to: { set: ["nosuid", "noexec", "nodev", "relatime"] },
      },
    ],
    exposes: "cgroup",
  },
];
