/**
 * How a root file system is put together, as ops: an overlayfs of the image's layers with a writable
 * directory on top; without the writable one when it is read-only; and a plain read-only bind mount
 * when there is only one layer, which is cheaper (overlayfs(5) of the kernel's documentation).
 */
import { RuntimeError } from "../../kernel/errors.ts";
import type { Op, Slot } from "../../kernel/op.ts";

export interface RootfsMount {
  /** Layer directories, topmost first. */
  readonly lower: readonly string[];
  /** Writable directory and overlayfs's work directory; undefined when read-only. */
  readonly upper?: string;
  readonly work?: string;
  /** Ops that mount it at `target`, an existing directory of the host; any process of a Plan may run them. */
  ops(target: string): readonly Op[];
}

/** mount(2) passes options in one page, with a NUL at its end. */
const optionBytesMax = 4095;
/** Longest string value fsconfig(2) takes, its NUL not counted. */
const fsconfigValueBytesMax = 255;
const slot: Slot = "rootfs mount";

/** Whether overlayfs takes layers one by one ("lowerdir+"), which it does since Linux 6.5. */
export function takesLayersOneByOne(release: string): boolean {
  const [major = 0, minor = 0] = release.split(".").map((part) => Number.parseInt(part, 10));
  return major > 6 || (major === 6 && minor >= 5);
}

function bindOps(source: string, target: string, readonly: boolean): readonly Op[] {
  const makeReadonly: Op = {
    op: "mountSetattr",
    fd: slot,
    set: ["rdonly"],
    clear: [],
    recursive: false,
  };
  return [
    { op: "openTree", path: source, clone: true, recursive: false, as: slot },
    ...(readonly ? [makeReadonly] : []),
    { op: "moveMount", fd: slot, path: target },
    { op: "close", fd: slot },
  ];
}

/** In the option string ":" separates layers, "," separates options, and "\" takes their meaning away. */
function escapeOption(path: string): string {
  return path.replace(/[\\:,]/g, "\\$&");
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

function oneByOneOps(
  lower: readonly string[],
  writable: readonly (readonly [string, string])[],
  target: string,
): readonly Op[] {
  const options = [...lower.map((path) => ["lowerdir+", path] as const), ...writable];
  return [
    { op: "fsmount", fstype: "overlay", source: "overlay", options, attrs: [], as: slot },
    { op: "moveMount", fd: slot, path: target },
    { op: "close", fd: slot },
  ];
}

function optionStringOps(
  lower: readonly string[],
  writable: readonly (readonly [string, string])[],
  target: string,
): readonly Op[] {
  const data = [
    `lowerdir=${lower.map(escapeOption).join(":")}`,
    ...writable.map(([key, path]) => `${key}=${path.replace(/[\\,]/g, "\\$&")}`),
  ].join(",");
  if (bytesOf(data) > optionBytesMax) {
    throw new RuntimeError(
      "FAILED_PRECONDITION",
      `the image has ${lower.length} layers, more than this kernel takes in one page of mount options (Linux 6.5 lifts that)`,
    );
  }
  return [{ op: "mount", source: "overlay", target, fstype: "overlay", attrs: [], data }];
}

/**
 * Describes the mount of `lower` (topmost first) with `writable` above it.
 * @throws RuntimeError FAILED_PRECONDITION from `ops` when the kernel's option limits are too small.
 */
export function rootfsMount(
  release: string,
  lower: readonly string[],
  writable: { readonly upper: string; readonly work: string } | undefined,
): RootfsMount {
  return {
    lower,
    ...writable,
    ops(target) {
      const [only] = lower;
      if (writable === undefined && only !== undefined && lower.length === 1) {
        return bindOps(only, target, true);
      }
      // An image without layers: there is nothing to overlay.
      if (writable !== undefined && only === undefined) {
        return bindOps(writable.upper, target, false);
      }
      const dirs =
        writable === undefined
          ? []
          : ([
              ["upperdir", writable.upper],
              ["workdir", writable.work],
            ] as const);
      const longest = Math.max(...[...lower, ...dirs.map(([, path]) => path)].map(bytesOf));
      return takesLayersOneByOne(release) && longest <= fsconfigValueBytesMax
        ? oneByOneOps(lower, dirs, target)
        : optionStringOps(lower, dirs, target);
    },
  };
}
