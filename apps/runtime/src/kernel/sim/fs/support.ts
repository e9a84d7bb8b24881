/** What of the generated file systems the model has; docs are made of it. */
import type { SupportRow } from "../support.ts";

export const support: readonly SupportRow[] = [
  {
    area: "files",
    feature:
      "procfs of a pid namespace: processes, fds, namespaces, magic links, ptrace permission",
    level: "partial",
    note: "subset=pid works, hidepid is taken and hides nothing; no mem, maps is empty, no smaps, no pagemap.",
  },
  {
    area: "files",
    feature: "procfs of the machine",
    level: "partial",
    note: "Times, memory and processes are the model's; interrupts, vmstat and the like are there and empty. sysrq-trigger is written without effect.",
  },
  {
    area: "files",
    feature: "/proc/sys: net, IPC and UTS sysctls of a namespace, those of the machine",
    level: "partial",
    note: "About 250 names with types and, for the common ones, ranges. Few of them change what the model does.",
  },
  {
    area: "files",
    feature: "sysfs of a network namespace",
    level: "partial",
    note: "Network devices, CPUs, the disk; attributes are not written. securityfs, debugfs, tracefs are empty directories.",
  },
  {
    area: "files",
    feature: "devpts and ptys: line editing, echo, signals, window size, hang-up",
    level: "partial",
    note: "Of termios canonical mode, echo, signals and newline mapping; no packet mode, no flow control, no locking.",
  },
  {
    area: "files",
    feature: "mqueue",
    level: "partial",
    note: "Queues are made, listed and removed; mq_send and mq_receive are not there (ENOSYS).",
  },
  { area: "files", feature: "nsfs: namespaces bound to paths", level: "full", note: "" },
  {
    area: "files",
    feature: "devices null, zero, full, random, urandom, tty, ptmx, console, kmsg",
    level: "partial",
    note: "The console and the kernel's log take what is written and say nothing. Other devices are ENXIO.",
  },
];
