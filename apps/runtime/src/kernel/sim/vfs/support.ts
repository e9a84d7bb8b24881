/** What of files the model has; docs are made of it. Mounts have a table of their own. */
import type { SupportRow } from "../support.ts";

export const support: readonly SupportRow[] = [
  {
    area: "files",
    feature:
      "path resolution: symbolic links, '..', mounts, magic links, chroot, openat2 resolve flags",
    level: "full",
    note: "RESOLVE_CACHED is EINVAL.",
  },
  {
    area: "files",
    feature: "permission bits, sticky directories, umask, set-id bits, capabilities over files",
    level: "partial",
    note: "No POSIX ACLs, no immutable or append-only flags; a text file busy (ETXTBSY) is not known.",
  },
  {
    area: "files",
    feature: "ids: user namespaces, idmapped mounts, overflow ids",
    level: "full",
    note: "",
  },
  {
    area: "files",
    feature: "fs.protected_symlinks, _hardlinks, _fifos, _regular",
    level: "partial",
    note: "Hard links are protected and the others not, as in a kernel nobody has configured, until /proc/sys/fs is written.",
  },
  {
    area: "files",
    feature: "tmpfs and ramfs: size, nr_inodes, mode, uid, gid, remount",
    level: "partial",
    note: "huge, mpol, noswap change nothing. A hole that is written past counts as used. Not charged to memory cgroups.",
  },
  {
    area: "files",
    feature: "the host's disk (ext4)",
    level: "partial",
    note: "A directory tree with a size; no journal, no quotas, no block device behind it.",
  },
  {
    area: "files",
    feature: "overlayfs: layers, whiteouts, opaque directories, copy-up, hard links, stacking",
    level: "partial",
    note: "redirect_dir, index, metacopy, verity and data-only layers are taken as options and change nothing. The mounter's own permissions on the layers are not asked again.",
  },
  {
    area: "files",
    feature: "open, read, write, truncate, seek, stat, links, rename, directories, times, xattrs",
    level: "partial",
    note: "No O_TMPFILE, no renameat2 flags, no SEEK_END or SEEK_HOLE, no file locks, no mmap of files, no inotify; access times are not kept.",
  },
  {
    area: "files",
    feature: "pipes and FIFOs: 64 KiB, atomic writes, EPIPE and SIGPIPE",
    level: "partial",
    note: "Capacity counts bytes, not pages, and cannot be changed; no splice.",
  },
  {
    area: "files",
    feature: "file descriptors: lowest free, RLIMIT_NOFILE, close-on-exec, dup2, close_range",
    level: "full",
    note: "",
  },
];
