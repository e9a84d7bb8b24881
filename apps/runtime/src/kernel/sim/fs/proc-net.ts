/** /proc/PID/net: the network namespace of a process as tables (proc_pid_net(5)). */
import type { Network } from "../net/network.ts";
import type { Process } from "../process/process.ts";
import { type FileRow, type PseudoEntry, RowEntry } from "./pseudo-entry.ts";

function devText({ devices }: Network): string {
  const zeros = (widths: readonly number[]) => widths.map((width) => "0".padStart(width)).join(" ");
  let text =
    "Inter-|   Receive                                                |  Transmit\n" +
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";
  for (const name of devices.keys())
    text += `${name.padStart(6)}: ${zeros([7, 7, 4, 4, 4, 5, 10, 9, 8, 7, 4, 4, 4, 5, 7, 10])}\n`;
  return text;
}

/** An IPv4 address as /proc prints it: the number as this machine stores it, little-endian. */
function hexAddress(ip: string): string {
  return ip
    .split(".")
    .reverse()
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}

function hexMask(prefixLength: number): string {
  const mask = prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0;
  return hexAddress([24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join("."));
}

function routeText({ routes }: Network): string {
  const rows = [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
  ];
  for (const { destination, gateway, device } of routes) {
    if (destination.includes(":")) continue;
    const [ip = "0.0.0.0", length = "32"] = destination.split("/");
    const flags = (1 | (gateway === undefined ? 0 : 2) | (length === "32" ? 4 : 0))
      .toString(16)
      .padStart(4, "0");
    rows.push(
      `${device.name}\t${hexAddress(ip)}\t${hexAddress(gateway ?? "0.0.0.0")}\t${flags}\t0\t0\t0\t${hexMask(Number(length))}\t0\t0\t0`,
    );
  }
  return rows.map((row) => `${row.padEnd(127)}\n`).join("");
}

/** Listening sockets; those that are connected have no place in the table of a namespace. */
function socketText(protocol: "tcp" | "udp"): (network: Network) => string {
  const state = protocol === "tcp" ? "0A" : "07";
  return ({ listeners }) => {
    const head =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
    const rows = [head];
    for (const key of listeners.keys()) {
      const [kind, place = ""] = key.split(" ");
      const colon = place.lastIndexOf(":");
      const ip = place.slice(0, colon);
      if (kind !== protocol || ip.includes(":")) continue;
      const port = Number(place.slice(colon + 1))
        .toString(16)
        .toUpperCase()
        .padStart(4, "0");
      const number = `${rows.length - 1}`.padStart(4);
      rows.push(
        `${number}: ${hexAddress(ip)}:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 0 1 0000000000000000 100 0 0 10 0`,
      );
    }
    return rows.map((row) => `${row.padEnd(149)}\n`).join("");
  };
}

function hexAddress6(ip: string): string {
  const [head = "", tail] = ip.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const [front, back] = [groups(head), groups(tail ?? "")];
  const middle = tail === undefined ? [] : Array(8 - front.length - back.length).fill("0");
  return [...front, ...middle, ...back].map((group: string) => group.padStart(4, "0")).join("");
}

function inet6Text({ devices }: Network): string {
  let text = "";
  for (const { name, index, addresses } of devices.values())
    for (const { ip, prefixLength } of addresses) {
      if (!ip.includes(":")) continue;
      const scope = ip === "::1" ? "10" : ip.startsWith("fe80") ? "20" : "00";
      const hex = (value: number) => value.toString(16).padStart(2, "0");
      text += `${hexAddress6(ip)} ${hex(index)} ${hex(prefixLength)} ${scope} 80 ${name.padStart(8)}\n`;
    }
  return text;
}

function fixed(text: string): FileRow<Network> {
  return { mode: 0o444, text: () => text };
}

const rows = new Map<string, FileRow<Network>>([
  [
    "arp",
    fixed("IP address       HW type     Flags       HW address            Mask     Device\n"),
  ],
  ["dev", { mode: 0o444, text: devText }],
  ["if_inet6", { mode: 0o444, text: inet6Text }],
  ["route", { mode: 0o444, text: routeText }],
  ["tcp", { mode: 0o444, text: socketText("tcp") }],
  ["udp", { mode: 0o444, text: socketText("udp") }],
  ["unix", fixed("Num       RefCount Protocol Flags    Type St Inode Path\n")],
]);
const names = [...rows.keys()];

export function netDirectory(process: Process): PseudoEntry {
  const { network } = process.namespaces.net;
  return {
    type: "directory",
    mode: 0o555,
    subject: network,
    child: (name) => {
      const row = rows.get(name);
      return row === undefined ? undefined : new RowEntry(row, network);
    },
    names: () => names,
  };
}
