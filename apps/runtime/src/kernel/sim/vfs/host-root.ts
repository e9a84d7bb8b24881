/** The disk of the simulated host: an ext4 with the directories and files every distribution has (hier(7)). */
import type { Machine } from "../machine.ts";
import type { FileSystem } from "./file-system.ts";
import { putDirectory, putFile, putSymlink } from "./put-file.ts";
import { StoredFileSystem } from "./stored-file-system.ts";
import { blockBytes } from "./stored-inode.ts";

const ext4Magic = 0xef53;
const diskBytes = 64 * 1024 ** 3;
const diskInodes = 4_194_304;

/** Path and mode. */
const directories: readonly (readonly [string, number])[] = [
  ["/boot", 0o755],
  ["/dev", 0o755],
  ["/etc", 0o755],
  ["/etc/cni/net.d", 0o755],
  ["/etc/vitrine", 0o755],
  ["/home", 0o755],
  ["/media", 0o755],
  ["/mnt", 0o755],
  ["/opt/cni/bin", 0o755],
  ["/proc", 0o555],
  ["/root", 0o700],
  ["/run", 0o755],
  ["/srv", 0o755],
  ["/sys", 0o555],
  ["/tmp", 0o1777],
  ["/usr/bin", 0o755],
  ["/usr/lib", 0o755],
  ["/usr/libexec", 0o755],
  ["/usr/local/bin", 0o755],
  ["/usr/sbin", 0o755],
  ["/usr/share", 0o755],
  ["/var/cache", 0o755],
  ["/var/lib", 0o755],
  ["/var/lib/kubelet", 0o755],
  ["/var/log", 0o755],
  ["/var/log/pods", 0o755],
  ["/var/tmp", 0o1777],
];

/** Merged /usr, as Debian and most others have it. */
const links: readonly (readonly [string, string])[] = [
  ["/bin", "usr/bin"],
  ["/lib", "usr/lib"],
  ["/sbin", "usr/sbin"],
  ["/var/run", "/run"],
  ["/var/lock", "/run/lock"],
  ["/etc/mtab", "../proc/self/mounts"],
];

function etcFiles(hostname: string): readonly (readonly [string, string, number])[] {
  const passwd = [
    "root:x:0:0:root:/root:/bin/sh",
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
  ];
  const shadow = ["root:*:20454:0:99999:7:::", "daemon:*:20454:0:99999:7:::"];
  const release = [
    'PRETTY_NAME="Vitrine simulated host"',
    'NAME="Vitrine"',
    "ID=vitrine",
    "ID_LIKE=debian",
  ];
  return [
    ["/etc/passwd", lines(passwd), 0o644],
    ["/etc/group", lines(["root:x:0:", "daemon:x:1:", "tty:x:5:", "nogroup:x:65534:"]), 0o644],
    ["/etc/shadow", lines(shadow), 0o600],
    ["/etc/hostname", lines([hostname]), 0o644],
    ["/etc/hosts", lines(["127.0.0.1\tlocalhost", `127.0.1.1\t${hostname}`]), 0o644],
    ["/etc/resolv.conf", lines(["nameserver 192.0.2.53"]), 0o644],
    ["/etc/os-release", lines(release), 0o644],
    ["/etc/machine-id", lines(["5eed0000000000000000000000000000"]), 0o444],
    ["/etc/subuid", lines(["root:100000:65536"]), 0o644],
    ["/etc/subgid", lines(["root:100000:65536"]), 0o644],
  ];
}

function lines(all: readonly string[]): string {
  return `${all.join("\n")}\n`;
}

/**
 * The host's root file system as it is before anything is mounted on it. Its ids are of the host's user
 * namespace.
 */
export function hostFileSystem(machine: Machine): FileSystem {
  const disk = new StoredFileSystem(machine, {
    type: "ext4",
    source: "/dev/vda1",
    options: "",
    magic: ext4Magic,
    userNamespace: machine.initUserNamespace,
    rootMode: 0o755,
    rootUid: 0,
    rootGid: 0,
    blocksMax: diskBytes / blockBytes,
    inodesMax: diskInodes,
    directorySize: () => blockBytes,
  });
  for (const [path, mode] of directories) putDirectory(disk, path, mode);
  for (const [path, target] of links) putSymlink(disk, path, target);
  for (const [path, text, mode] of etcFiles(machine.options.hostname)) {
    putFile(disk, path, text, mode);
  }
  return disk;
}
