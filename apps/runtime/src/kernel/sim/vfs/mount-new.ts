/** New mounts of file systems: mount(2) with a type, and fsopen(2) to fsmount(2), which leave it detached. */
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { capableIn } from "../user/capable.ts";
import type { UserNamespace } from "../user/user-namespace.ts";
import type { FileSystem } from "./file-system.ts";
import { Mount, type PathPoint } from "./mount.ts";
import { attachTree, isDirectory, isMountRoot, placeFor } from "./mount-attach.ts";
import { lockForVisibility } from "./mount-visible.ts";

/**
 * Types that a user namespace may mount (FS_USERNS_MOUNT), and whose namespace the capability is asked for: that of
 * what the file system shows.
 */
const ownerOf: ReadonlyMap<string, (caller: Process) => UserNamespace> = new Map([
  ["proc", (caller) => caller.namespaces.pid.owner],
  ["sysfs", (caller) => caller.namespaces.net.owner],
  ["mqueue", (caller) => caller.namespaces.ipc.owner],
  ["cgroup", (caller) => caller.namespaces.cgroup.owner],
  ["cgroup2", (caller) => caller.namespaces.cgroup.owner],
  ["tmpfs", (caller) => caller.credentials.userNamespace],
  ["ramfs", (caller) => caller.credentials.userNamespace],
  ["devpts", (caller) => caller.credentials.userNamespace],
  ["overlay", (caller) => caller.credentials.userNamespace],
]);

/** mount_capable(). */
function checkCapable(caller: Process, type: string): void {
  const owner = ownerOf.get(type)?.(caller) ?? caller.machine.initUserNamespace;
  if (!capableIn(caller.credentials, owner, "CAP_SYS_ADMIN")) refuse("EPERM");
}

/**
 * Option text of mount(2): "a=1,b". A key that comes again counts as it came last. With `escapes` "\\," is part of
 * a value and stays as it is: overlayfs reads its options so (ovl_next_opt()).
 */
export function parseOptions(text: string, escapes = false): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  if (text === "") return options;
  const escaped = escapes && text.includes("\\");
  for (const option of escaped ? (text.match(/(?:\\.|[^,\\])+/gs) ?? []) : text.split(",")) {
    if (option === "") continue;
    const equals = option.indexOf("=");
    if (equals < 0) options.set(option, "");
    else options.set(option.slice(0, equals), option.slice(equals + 1));
  }
  return options;
}

/** A file system of this type. ENODEV when there is no such type; else what the type says of source and options. */
export function makeFileSystem(
  caller: Process,
  type: string,
  source: string,
  options: ReadonlyMap<string, string>,
): FileSystem {
  const factory = caller.machine.fileSystems.get(type);
  if (factory === undefined) refuse("ENODEV", `fstype "${type}"`);
  checkCapable(caller, type);
  return factory(caller.machine, caller, source, options);
}

/** A detached mount of a file system. EPERM when it would show a user namespace more than it can see already. */
export function makeMount(caller: Process, fileSystem: FileSystem, attributes: number): Mount {
  const { machine } = caller;
  const mount = new Mount(machine.nextMount(), fileSystem.mountRoot(caller), attributes);
  mount.lockedAttributes = lockForVisibility(caller, fileSystem, attributes);
  return mount;
}

/** do_add_mount(). EBUSY for the same file system twice at one place, ENOTDIR for a directory over a file. */
export function addMount(caller: Process, mount: Mount, target: PathPoint): void {
  const place = placeFor(target);
  if (place.mount.namespace !== caller.namespaces.mnt) refuse("EINVAL");
  if (isMountRoot(place) && place.mount.fileSystem === mount.fileSystem) refuse("EBUSY");
  if (isDirectory(place) !== (mount.root.inode.type === "directory")) refuse("ENOTDIR");
  attachTree(caller.machine, mount, place);
}
