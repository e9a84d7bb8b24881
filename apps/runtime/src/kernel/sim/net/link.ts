/** Links as rtnetlink(7) lets them be made and changed: names, peers, bridges, namespaces. */
import type { Machine } from "../machine.ts";
import type { NetNamespace } from "../namespace.ts";
import { refuse } from "../refusal.ts";
import { setUp } from "./address.ts";
import { createDevice, deleteDevice, deviceNamed, leaveMaster, moveDevice } from "./device.ts";
import type { NetDevice } from "./network.ts";

const nameMax = 15;
const mtuMin = 68;
const mtuMax = 65_535;

/** dev_valid_name(): EINVAL. */
function checkName(name: string): void {
  const wrong = name === "" || name.length > nameMax || name === "." || name === "..";
  if (wrong || /[/:\s]/.test(name)) refuse("EINVAL");
}

function checkFree(namespace: NetNamespace, name: string): void {
  checkName(name);
  if (namespace.network.devices.has(name)) refuse("EEXIST");
}

function setMtu(device: NetDevice, mtu: number | undefined): void {
  if (mtu === undefined) return;
  if (device.kind === "veth" && (mtu < mtuMin || mtu > mtuMax)) refuse("EINVAL");
  device.mtu = mtu;
}

export interface NewLink {
  readonly name: string;
  readonly kind: "veth" | "bridge" | "dummy";
  readonly peerName?: string;
  readonly peerNamespace?: NetNamespace;
  readonly mtu?: number;
  readonly mac?: string;
  readonly peerMac?: string;
}

/** RTM_NEWLINK. The peer is made first, as veth_newlink() does: it gets the lower index in the same namespace. */
export function addLink(machine: Machine, namespace: NetNamespace, link: NewLink): NetDevice {
  checkFree(namespace, link.name);
  if (link.kind !== "veth") {
    const device = createDevice(machine, namespace, link.kind, link.name, link.mac);
    setMtu(device, link.mtu);
    return device;
  }
  const home = link.peerNamespace ?? namespace;
  const peerName = link.peerName ?? freeName(home, "veth");
  if (home === namespace && peerName === link.name) refuse("EEXIST");
  checkFree(home, peerName);
  const peer = createDevice(machine, home, "veth", peerName, link.peerMac);
  const device = createDevice(machine, namespace, "veth", link.name, link.mac);
  device.peer = peer;
  peer.peer = device;
  setMtu(device, link.mtu);
  setMtu(peer, link.mtu);
  return device;
}

/** "veth%d". */
function freeName(namespace: NetNamespace, stem: string): string {
  let number = 0;
  while (namespace.network.devices.has(`${stem}${number}`)) number++;
  return `${stem}${number}`;
}

/** RTM_DELLINK: EOPNOTSUPP for lo and for hardware. */
export function deleteLink(machine: Machine, namespace: NetNamespace, name: string): void {
  const device = deviceNamed(namespace.network, name);
  if (device.kind === "loopback" || device.kind === "uplink") refuse("EOPNOTSUPP");
  deleteDevice(machine, device);
}

export interface LinkChange {
  readonly up?: boolean;
  readonly name?: string;
  /** undefined takes it out of its bridge. */
  readonly master?: string | undefined;
  readonly namespace?: NetNamespace;
  readonly hairpin?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  readonly alias?: string;
}

/** br_add_if(): ELOOP for a bridge in a bridge, EINVAL for what is no Ethernet, EOPNOTSUPP when the master is none. */
function setMaster(device: NetDevice, name: string | undefined): void {
  if (name === undefined) {
    leaveMaster(device);
    return;
  }
  const master = deviceNamed(device.namespace.network, name);
  if (device.master === master) return;
  if (master.kind !== "bridge") refuse("EOPNOTSUPP");
  if (device.kind === "bridge") refuse("ELOOP");
  if (device.kind === "loopback") refuse("EINVAL");
  leaveMaster(device);
  device.master = master;
  master.ports ??= new Set();
  master.ports.add(device);
}

function rename(device: NetDevice, name: string): void {
  if (name === device.name) return;
  const { network } = device.namespace;
  checkFree(device.namespace, name);
  network.devices.delete(device.name);
  device.name = name;
  network.devices.set(name, device);
}

/** RTM_SETLINK. EINVAL for moving lo, EEXIST for a name that is taken. */
export function changeLink(
  machine: Machine,
  namespace: NetNamespace,
  name: string,
  change: LinkChange,
): void {
  const device = deviceNamed(namespace.network, name);
  if (change.namespace !== undefined && change.namespace !== device.namespace) {
    if (device.kind === "loopback" || device.kind === "bridge") refuse("EINVAL");
    const newName = change.name ?? device.name;
    checkName(newName);
    moveDevice(machine, device, change.namespace, newName);
  } else if (change.name !== undefined) {
    rename(device, change.name);
  }
  setMtu(device, change.mtu);
  if (change.mac !== undefined) device.mac = change.mac;
  if (change.alias !== undefined) device.alias = change.alias;
  if ("master" in change) setMaster(device, change.master);
  if (change.hairpin !== undefined) {
    if (device.master === undefined) refuse("EINVAL");
    device.hairpin = change.hairpin;
  }
  if (change.up !== undefined) setUp(machine, device, change.up);
}
