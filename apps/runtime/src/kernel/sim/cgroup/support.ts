/** What of cgroups the model has; docs are made of it. */
import type { SupportRow } from "../support.ts";

export const support: readonly SupportRow[] = [
  {
    area: "cgroups",
    feature: "hierarchies, v1 with one controller each beside v2, or v2 alone",
    level: "full",
    note: "Chosen at the boot; mounting new combinations of v1 controllers is EBUSY.",
  },
  {
    area: "cgroups",
    feature: "membership: cgroup.procs, tasks, CLONE_INTO_CGROUP, no internal processes",
    level: "partial",
    note: "Processes have one thread; cgroup.type threaded is EOPNOTSUPP.",
  },
  { area: "cgroups", feature: "cgroup namespaces", level: "full", note: "" },
  {
    area: "cgroups",
    feature: "pids: limit, zombies counted, events",
    level: "full",
    note: "",
  },
  {
    area: "cgroups",
    feature: "memory: hierarchical charge, limits, OOM killer, oom.group, oom_kill_disable",
    level: "partial",
    note: "Anonymous memory only: no page cache, no kernel memory, no reclaim, no swap. memory.min, memory.low and soft limits are kept and protect nothing; memory.high slows down.",
  },
  {
    area: "cgroups",
    feature: "cpu: quota and period with throttling, weights, burst",
    level: "partial",
    note: "Weights divide the CPUs among those who burn at the time; real-time limits are kept without effect; load is all user time.",
  },
  {
    area: "cgroups",
    feature: "cpuset",
    level: "partial",
    note: "Lists are checked and inherited; nothing is pinned by them, partitions are not there.",
  },
  { area: "cgroups", feature: "freezer of v1 and v2", level: "full", note: "" },
  {
    area: "cgroups",
    feature: "devices: rules of v1, eBPF programs of v2",
    level: "full",
    note: "Programs with loads from the context, arithmetic and forward jumps; others allow nothing.",
  },
  {
    area: "cgroups",
    feature: "io, blkio, hugetlb, rdma, misc",
    level: "partial",
    note: "Limits are checked, kept and shown; there is no block I/O and no huge page to limit.",
  },
  {
    area: "cgroups",
    feature: "eventfd and inotify on events, release_agent, pressure triggers",
    level: "none",
    note: "EINVAL or EOPNOTSUPP at the write; the shim is told of OOM kills by the model.",
  },
];
