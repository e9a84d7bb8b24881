/** The file systems of this folder, by the names mount(2) knows them by. */
import type { Machine } from "../machine.ts";
import { overlayFactory } from "./overlay-mount.ts";
import { ramfsFactory, tmpfsFactory } from "./tmpfs.ts";

/** Makes tmpfs, ramfs and overlay known to the machine. */
export function registerStoredFileSystems(machine: Machine): void {
  machine.fileSystems.set("tmpfs", tmpfsFactory);
  machine.fileSystems.set("ramfs", ramfsFactory);
  machine.fileSystems.set("overlay", overlayFactory);
}
