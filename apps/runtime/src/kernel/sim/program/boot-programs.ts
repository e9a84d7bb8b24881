/** Makes the simulated programs known to the machine and puts their executables on the host's disk. */
import type { Machine } from "../machine.ts";
import { putFile, putSymlink } from "../vfs/put-file.ts";
import { appletProgram } from "./applet.ts";
import { applets } from "./applet-table.ts";
import { busybox } from "./busybox.ts";
import { networkPrograms, pluginExecutables } from "./net-programs.ts";
import { pause } from "./pause.ts";
import { probe } from "./probe.ts";
import { executableContent } from "./program.ts";
import { sh } from "./sh.ts";
import { userland } from "./userland.ts";

/** Where the host has the contract suite's probe. */
export const probePath = "/usr/libexec/vitrine/vitrine-probe";

/**
 * Registers every program and installs /bin/busybox with its links on the host. The root file system
 * must be there (bootProcesses) and not be covered by another mount.
 */
export function bootPrograms(machine: Machine): void {
  const { programs } = machine;
  programs.set("busybox", busybox);
  programs.set("pause", pause);
  programs.set("vitrine-probe", probe);
  for (const [name, applet] of Object.entries(applets))
    programs.set(name, appletProgram(name, applet));
  for (const [name, program] of networkPrograms()) programs.set(name, program);
  programs.set("sh", (self) => sh(self));
  programs.set("ash", (self) => sh(self));
  const disk = machine.init.root.mount.fileSystem;
  // /bin is a link to /usr/bin; putFile goes by names, not through links.
  for (const { path, content, target, mode } of userland()) {
    if (content !== undefined) putFile(disk, `/usr${path}`, content, mode);
    else if (target !== undefined) putSymlink(disk, `/usr${path}`, target);
  }
  putFile(disk, probePath, executableContent("vitrine-probe"), 0o755);
  for (const [path, name] of pluginExecutables())
    putFile(disk, path, executableContent(name), 0o755);
}
