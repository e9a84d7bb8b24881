/** What of Linux networking the model has (support.ts of the simulator). */
import type { SupportRow } from "../support.ts";

function row(feature: string, level: SupportRow["level"], note = ""): SupportRow {
  return { area: "network", feature, level, note };
}

export const support: readonly SupportRow[] = [
  row(
    "network namespaces",
    "full",
    "lo is down at birth; sysctls and forwarding are inherited as on Linux",
  ),
  row("loopback", "full"),
  row("veth pairs", "full", "across namespaces; one end does not live without the other"),
  row(
    "bridges",
    "partial",
    "ports, joined bridges; no spanning tree, no VLANs, and none of the limit of 1,024 ports that Linux has; a bridge keeps the MAC address it was made with; hairpin is kept, and no frame ever needs it",
  ),
  row(
    "other link types",
    "none",
    "dummy exists as a call only; ip link add says Unknown device type",
  ),
  row(
    "addresses and connected routes",
    "partial",
    "no lifetimes, no broadcast addresses, no IPv6 link-local addresses",
  ),
  row("routes", "partial", "one table, longest prefix, then metric; no rules, no multipath"),
  row(
    "neighbours",
    "partial",
    "asked anew for every packet: nothing is remembered; /proc/net/arp is empty",
  ),
  row("forwarding", "full", "net.ipv4.ip_forward, of the namespace that forwards; for IPv6 too"),
  row(
    "NAT and filters",
    "partial",
    "rules of the model (dnat, masquerade, accept, drop; protocol, addresses, ports, interfaces): no nft or iptables program; no states of connections; ports are not rewritten when they collide",
  ),
  row(
    "TCP",
    "partial",
    "the way is looked for at connect only; buffers, end of file, reset, backlog, SYN retries as on Linux; no half-close, no urgent data, no options",
  ),
  row("UDP", "partial", "datagrams, ICMP port unreachable; no multicast, no broadcast"),
  row(
    "unix sockets",
    "partial",
    "streams by path; no datagrams, no abstract names, no passed fds, no peer credentials",
  ),
  row("raw sockets", "partial", "made by CAP_NET_RAW, good for ping only"),
  row("ping", "full", "raw by CAP_NET_RAW, else by net.ipv4.ping_group_range"),
  row(
    "IPv6",
    "partial",
    "addresses, routes, sockets; no masquerading by the plugins, no router advertisements",
  ),
  row(
    "the world outside",
    "partial",
    "a router, a resolver and a few named hosts behind eth0; they answer the host's own address only",
  ),
  row("netlink sockets", "none", "the calls behind ip(8) are the model's own"),
  row("traffic control, XDP, conntrack tables", "none", "ENOSYS or nothing there"),
  {
    area: "programs",
    feature: "CNI plugins bridge, host-local, loopback, portmap, vitrine-bridge",
    level: "partial",
    note: "ADD, DEL, CHECK, STATUS, GC and VERSION of specification 1.1; no VLANs, no requested addresses, portmap for IPv4 only",
  },
  {
    area: "programs",
    feature: "image registry",
    level: "partial",
    note: "docker.io and registry.k8s.io with a few images; layers are uncompressed archives; no TLS, no mirrors (hosts.toml), no archives to load",
  },
];
