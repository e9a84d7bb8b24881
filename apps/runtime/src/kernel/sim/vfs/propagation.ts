/**
 * Peer groups (mount_namespaces(7), Documentation/filesystems/sharedsubtree.rst): who is shared with whom, who is
 * whose slave. Nothing here looks at trees; what events do is in propagation-events.ts.
 */
import type { Propagation } from "../../op.ts";
import type { Machine } from "../machine.ts";
import type { Mount, PeerGroup } from "./mount.ts";

/** Makes a mount a member of a group. */
export function becomePeer(mount: Mount, group: PeerGroup): void {
  mount.peers = group;
  group.members.add(mount);
}

/** Makes a mount listen to a group, and to no other. */
export function becomeSlave(mount: Mount, group: PeerGroup | undefined): void {
  mount.master?.slaves.delete(mount);
  mount.master = group;
  group?.slaves.add(mount);
}

/** MS_SHARED: a group of its own unless it has one. A slave stays a slave beside. */
export function makeShared(machine: Machine, mount: Mount): void {
  mount.unbindable = false;
  if (mount.peers !== undefined) return;
  becomePeer(mount, { id: machine.nextPeerGroup(), members: new Set(), slaves: new Set() });
}

/** Leaves its peers; slaves of a group that has lost its last member listen to that member's master. */
function leavePeers(mount: Mount): void {
  const group = mount.peers;
  if (group === undefined) return;
  mount.peers = undefined;
  group.members.delete(mount);
  if (group.members.size > 0) return;
  for (const slave of [...group.slaves]) becomeSlave(slave, mount.master);
}

/** change_mnt_propagation(): mount(2) with MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, of one mount. */
export function changePropagation(machine: Machine, mount: Mount, to: Propagation): void {
  if (to === "shared") {
    makeShared(machine, mount);
    return;
  }
  const group = mount.peers;
  leavePeers(mount);
  if (to === "slave") {
    // Without peers left there is nobody to listen to but the old master.
    if (group !== undefined && group.members.size > 0) becomeSlave(mount, group);
    return;
  }
  becomeSlave(mount, undefined);
  mount.unbindable = to === "unbindable";
}
