/** What of processes the model has; docs are made of it. */
import type { SupportRow } from "../support.ts";

const area = "processes";

export const support: readonly SupportRow[] = [
  {
    area,
    feature: "clone3, fork: namespaces, CLONE_INTO_CGROUP, CLONE_PARENT",
    level: "partial",
    note: "A process has one thread and shares nothing with its child: CLONE_VM, CLONE_FILES, CLONE_FS and CLONE_THREAD are not there.",
  },
  {
    area,
    feature: "pid namespaces: numbering, init, death with the namespace",
    level: "full",
    note: "",
  },
  {
    area,
    feature: "unshare and setns, by namespace fd and by pidfd",
    level: "full",
    note: "",
  },
  {
    area,
    feature: "time namespaces",
    level: "partial",
    note: "They are made and joined; offsets cannot be written.",
  },
  {
    area,
    feature: "exit, zombies, subreapers, wait4, parent-death signals",
    level: "partial",
    note: "wait4 does not report children that were stopped or continued (WUNTRACED, WCONTINUED); no waitid.",
  },
  {
    area,
    feature: "signals: default actions, handlers, ignoring, init's immunity, permission",
    level: "partial",
    note: "No signal masks, no queued real-time signals, no alternate stacks; a handler runs when the signal is sent. Every wait a handler interrupts ends with EINTR, as without SA_RESTART.",
  },
  { area, feature: "pidfd_open, pidfd_send_signal", level: "full", note: "" },
  {
    area,
    feature: "sessions, process groups, the terminal's hang-up",
    level: "partial",
    note: "No foreground and background groups: SIGTTIN and SIGTTOU are never sent, a hang-up reaches the whole session.",
  },
  {
    area,
    feature: "execve: programs of the model, #! scripts, set-id bits, file capabilities",
    level: "partial",
    note: "Anything else is ENOEXEC. ETXTBSY is not given.",
  },
  {
    area,
    feature: "resource limits",
    level: "partial",
    note: "All are kept and checked when set; NOFILE, NPROC and STACK (arguments of execve) are enforced.",
  },
  { area, feature: "ptrace, core dumps", level: "none", note: "ENOSYS." },
  {
    area: "AppArmor",
    feature: "profiles by path: open, execute, mount, umount, pivot_root",
    level: "partial",
    note: "Profiles are data of the model: docker-default, cri-containerd.apparmor.d and vitrine-default. No transitions but that of attr/exec, no signal, ptrace, network and capability rules.",
  },
  { area: "SELinux", feature: "labels", level: "none", note: "The machine has no SELinux." },
];
