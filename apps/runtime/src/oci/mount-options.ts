/** The option strings of a mount in the OCI spec (mount(8)), sorted into what the kernel's calls take. */
import type { MountAttr, Propagation } from "../kernel/index.ts";

export interface MountOptions {
  /** Attributes of the mount itself. */
  readonly attrs: readonly MountAttr[];
  /** Attributes of the mount and of all below it. */
  readonly recursiveAttrs: readonly MountAttr[];
  readonly propagation: Propagation;
  /** Options of the file system: fsconfig(2) keys; a flag has the value "". */
  readonly data: readonly (readonly [key: string, value: string])[];
}

const attrNames: ReadonlySet<string> = new Set([
  "nosuid",
  "nodev",
  "noexec",
  "noatime",
  "relatime",
  "strictatime",
  "nodiratime",
  "nosymfollow",
]);

/** Words that say what is so anyway: every bind is recursive here, and writable is the absence of rdonly. */
const silent: ReadonlySet<string> = new Set(["rbind", "bind", "rw"]);

const propagations: Readonly<Record<string, Propagation>> = {
  private: "private",
  rprivate: "private",
  slave: "slave",
  rslave: "slave",
  shared: "shared",
  rshared: "shared",
};

export function parseMountOptions(options: readonly string[]): MountOptions {
  const attrs: MountAttr[] = [];
  const recursiveAttrs: MountAttr[] = [];
  const data: (readonly [string, string])[] = [];
  let propagation: Propagation = "private";
  for (const option of options) {
    const named = propagations[option];
    if (silent.has(option)) continue;
    if (named !== undefined) propagation = named;
    else if (option === "ro") attrs.push("rdonly");
    else if (option === "rro") recursiveAttrs.push("rdonly");
    else if (attrNames.has(option)) attrs.push(option as MountAttr);
    else data.push(keyAndValue(option));
  }
  return { attrs, recursiveAttrs, propagation, data };
}

function keyAndValue(option: string): readonly [string, string] {
  const equals = option.indexOf("=");
  return equals < 0 ? [option, ""] : [option.slice(0, equals), option.slice(equals + 1)];
}
