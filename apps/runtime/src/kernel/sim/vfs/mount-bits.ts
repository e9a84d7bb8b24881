/** Mount attributes under their three names: MountAttr of an Op, bits of a Mount, MS_* flags of mount(2). */
import type { MountAttr } from "../../op.ts";
import {
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_RDONLY,
  MS_STRICTATIME,
} from "../abi.ts";
import {
  mountNoAtime,
  mountNoDev,
  mountNoDirAtime,
  mountNoExec,
  mountNoSuid,
  mountNoSymFollow,
  mountReadOnly,
  mountStrictAtime,
} from "./mount.ts";

/** relatime has no bit: it is what a mount without the other two does. */
const bitOf: Readonly<Record<MountAttr, number>> = {
  rdonly: mountReadOnly,
  nosuid: mountNoSuid,
  nodev: mountNoDev,
  noexec: mountNoExec,
  noatime: mountNoAtime,
  relatime: 0,
  strictatime: mountStrictAtime,
  nodiratime: mountNoDirAtime,
  nosymfollow: mountNoSymFollow,
};

const flagOf: readonly (readonly [flag: number, bit: number])[] = [
  [MS_RDONLY, mountReadOnly],
  [MS_NOSUID, mountNoSuid],
  [MS_NODEV, mountNoDev],
  [MS_NOEXEC, mountNoExec],
  [MS_NOATIME, mountNoAtime],
  [MS_NODIRATIME, mountNoDirAtime],
  [MS_NOSYMFOLLOW, mountNoSymFollow],
  [MS_STRICTATIME, mountStrictAtime],
];

/** The access time attributes are one field: one of them is set, or none (relatime). */
export const accessTimeBits: number = mountNoAtime | mountStrictAtime;
/** The flags of mount(2) that speak of access times. */
export const accessTimeFlags: number = MS_NOATIME | MS_NODIRATIME | MS_STRICTATIME;

/** Attribute bits of these names. */
export function attributeBits(names: readonly MountAttr[]): number {
  let bits = 0;
  for (const name of names) bits |= bitOf[name];
  return bits;
}

/** True when one of the names is about access times other than of directories. */
export function namesAccessTime(names: readonly MountAttr[]): boolean {
  return names.some((name) => name === "relatime" || (bitOf[name] & accessTimeBits) !== 0);
}

/** Attribute bits of MS_* flags, as path_mount() reads them: strictatime clears relatime and noatime. */
export function attributesOfFlags(flags: number): number {
  let bits = 0;
  for (const [flag, bit] of flagOf) if ((flags & flag) !== 0) bits |= bit;
  if ((flags & MS_STRICTATIME) !== 0) bits &= ~mountNoAtime;
  return bits;
}

/** Mount options as mountinfo and /proc/mounts show them: "rw,nosuid,nodev,relatime". */
export function attributeText(attributes: number): string {
  let text = (attributes & mountReadOnly) !== 0 ? "ro" : "rw";
  if ((attributes & mountNoSuid) !== 0) text += ",nosuid";
  if ((attributes & mountNoDev) !== 0) text += ",nodev";
  if ((attributes & mountNoExec) !== 0) text += ",noexec";
  if ((attributes & mountNoAtime) !== 0) text += ",noatime";
  if ((attributes & mountNoDirAtime) !== 0) text += ",nodiratime";
  if ((attributes & accessTimeBits) === 0) text += ",relatime";
  if ((attributes & mountNoSymFollow) !== 0) text += ",nosymfollow";
  return text;
}
