/** /proc/PID/mountinfo and mounts: the mounts of a process's namespace below its root (proc_pid_mountinfo(5)). */
import type { Process } from "../process/process.ts";
import type { Mount, PeerGroup } from "../vfs/mount.ts";
import { mountReadOnly } from "../vfs/mount.ts";
import { attributeText } from "../vfs/mount-bits.ts";
import { mountpointPath, pathInFileSystem } from "../vfs/mount-tree.ts";

/** White space and backslashes as octal numbers. */
function octal(text: string): string {
  if (!/[\s\\#]/.test(text)) return text;
  let escaped = "";
  for (const character of text)
    escaped += /[ \t\n\\#]/.test(character)
      ? `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`
      : character;
  return escaped;
}

/** The nearest group above that has a member in the reader's sight: get_dominating_id(). */
function dominating(process: Process, group: PeerGroup | undefined): number | undefined {
  for (let at = group; at !== undefined; ) {
    let above: PeerGroup | undefined;
    for (const member of at.members) {
      above = member.master;
      if (member.namespace !== process.namespaces.mnt) continue;
      if (mountpointPath(process, member) !== undefined) return at.id;
    }
    at = above;
  }
  return undefined;
}

function propagation(process: Process, mount: Mount): string {
  let text = mount.peers === undefined ? "" : ` shared:${mount.peers.id}`;
  if (mount.master !== undefined) {
    text += ` master:${mount.master.id}`;
    const from = dominating(process, mount.master);
    if (from !== undefined && from !== mount.master.id) text += ` propagate_from:${from}`;
  }
  return mount.unbindable ? `${text} unbindable` : text;
}

function attributes(mount: Mount): string {
  const text = attributeText(mount.attributes);
  return mount.idmap === undefined ? text : `${text},idmapped`;
}

/** Mounts that `process` can reach from its root, and where. */
function* reachable(process: Process): Generator<readonly [Mount, string], void, void> {
  for (const mount of process.machine.mountsOf(process)) {
    const path = mountpointPath(process, mount);
    if (path !== undefined) yield [mount, octal(path)];
  }
}

export function mountinfoText(process: Process, viewer: Process): string {
  let text = "";
  for (const [mount, path] of reachable(process)) {
    const { fileSystem, root } = mount;
    const shown = fileSystem.showRoot(root, viewer) ?? pathInFileSystem(root);
    const deleted = root.deleted ? "//deleted" : "";
    const access = fileSystem.readOnly ? "ro" : "rw";
    const options = fileSystem.options === "" ? access : `${access},${fileSystem.options}`;
    text +=
      `${mount.id} ${mount.parent?.id ?? mount.id} 0:${fileSystem.device} ${octal(shown)}${deleted} ${path} ` +
      `${attributes(mount)}${propagation(process, mount)} - ${fileSystem.type} ${octal(fileSystem.source)} ${options}\n`;
  }
  return text;
}

export function mountsText(process: Process): string {
  let text = "";
  for (const [mount, path] of reachable(process)) {
    const { fileSystem } = mount;
    const bits = fileSystem.readOnly ? mountReadOnly : 0;
    const own = attributeText(mount.attributes | bits);
    const options = fileSystem.options === "" ? own : `${own},${fileSystem.options}`;
    text += `${octal(fileSystem.source)} ${path} ${fileSystem.type} ${options} 0 0\n`;
  }
  return text;
}
