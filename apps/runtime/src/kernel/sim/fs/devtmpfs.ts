/** devtmpfs: a tmpfs of the kernel's own with the host's devices; the same for every mount of it. */
import type { Machine } from "../machine.ts";
import type { Process } from "../process/process.ts";
import type { FileSystem } from "../vfs/file-system.ts";
import { StoredFileSystem } from "../vfs/stored-file-system.ts";
import { hostDeviceFiles } from "./host-devices.ts";

const magic = 0x01021994;
const made = new WeakMap<Machine, FileSystem>();

/** Options only count at the first mount, which is the boot's. */
export function mountDevtmpfs(machine: Machine, mounter: Process): FileSystem {
  let found = made.get(machine);
  if (found === undefined) {
    const size = Math.floor(machine.options.memoryTotalBytes / 2 / 1024);
    found = new StoredFileSystem(machine, {
      type: "devtmpfs",
      source: "devtmpfs",
      options: `size=${size}k,nr_inodes=${Math.floor(size / 4)},mode=755`,
      magic,
      userNamespace: machine.initUserNamespace,
      rootMode: 0o755,
      rootUid: 0,
      rootGid: 0,
      directorySize: (entries) => 40 + 20 * entries,
    });
    populate(found, mounter);
    made.set(machine, found);
  }
  return found;
}

function populate(fileSystem: FileSystem, maker: Process): void {
  for (const [path, file] of hostDeviceFiles) {
    const parts = path.split("/");
    const name = parts.pop() ?? "";
    let directory = fileSystem.root;
    for (const part of parts) directory = fileSystem.lookup(directory, part, maker) ?? directory;
    fileSystem.create(directory, name, file, maker);
  }
}
