/**
 * RuntimeDefault: which system calls an ordinary container may make. The container ecosystem has
 * settled on one policy over the years (deny by default with EPERM; the few calls that let a process
 * administer the host only together with the capability they need anyway), and images rely on it.
 * Here it is a table by theme, and the profile is generated for the container's own capabilities.
 */
import type { HostFacts, SeccompProfile } from "../kernel/index.ts";

type Rule = NonNullable<SeccompProfile["syscalls"]>[number];

/** Calls that need no capability to be harmless. Names of 32-bit calls are there for compat programs. */
const always: Readonly<Record<string, string>> = {
  files: `access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3
    faccessat faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown
    fchown32 fchownat fcntl fcntl64 fdatasync flock fstat fstat64 fstatat64 fstatfs fstatfs64 fsync
    ftruncate ftruncate64 futimesat getcwd getdents getdents64 ioctl lchown lchown32 link linkat
    _llseek lseek lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat
    openat2 pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink
    readlinkat readv rename renameat renameat2 rmdir sendfile sendfile64 splice stat stat64 statfs
    statfs64 statx symlink symlinkat sync sync_file_range syncfs tee truncate truncate64 umask unlink
    unlinkat utime utimensat utimensat_time64 utimes vmsplice write writev cachestat`,
  attributes: `fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr
    listxattrat llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat`,
  waiting: `epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
    epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1
    inotify_rm_watch _newselect poll ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd
    signalfd4 io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit`,
  memory: `brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2
    mlockall mmap mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free
    pkey_mprotect process_mrelease remap_file_pages`,
  processes: `execve execveat exit exit_group fork getpgid getpgrp getpid getppid getpriority getrusage
    getsid gettid get_thread_area kill pidfd_open pidfd_send_signal prctl restart_syscall rseq
    setpgid setpriority setsid set_thread_area set_tid_address tgkill times tkill vfork wait4 waitid
    waitpid getcpu sched_getaffinity sched_getattr sched_getparam sched_get_priority_max
    sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64
    sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield ioprio_get
    ioprio_set uretprobe`,
  locks: `futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list
    set_robust_list`,
  signals: `alarm getitimer pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
    rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo setitimer sigaltstack
    sigprocmask sigreturn`,
  time: `adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
    clock_gettime64 clock_nanosleep clock_nanosleep_time64 gettimeofday nanosleep time timer_create
    timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
    timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64`,
  credentials: `capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32
    getresgid getresgid32 getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid
    setfsuid32 setgid setgid32 setgroups setgroups32 setregid setregid32 setresgid setresgid32
    setresuid setresuid32 setreuid setreuid32 setuid setuid32`,
  limits: `getrlimit prlimit64 setrlimit ugetrlimit`,
  sockets: `accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg
    recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`,
  ipc: `ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend
    mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop
    semtimedop_time64 shmat shmctl shmdt shmget`,
  itself: `landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp`,
  machine: `getrandom sysinfo uname`,
};

/** What a capability unlocks beside them. */
const withCapability: Readonly<Record<string, string>> = {
  CAP_BPF: "bpf",
  CAP_DAC_READ_SEARCH: "open_by_handle_at",
  CAP_PERFMON: "perf_event_open",
  CAP_SYS_ADMIN: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick listmount lookup_dcookie
    lsm_get_self_attr lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree
    open_tree_attr perf_event_open quotactl quotactl_fd setdomainname sethostname setns statmount
    syslog umount umount2 unshare`,
  CAP_SYS_BOOT: "reboot",
  CAP_SYS_CHROOT: "chroot",
  CAP_SYS_MODULE: "delete_module finit_module init_module",
  CAP_SYS_NICE: "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
  CAP_SYS_PACCT: "acct",
  CAP_SYS_PTRACE: "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
  CAP_SYS_RAWIO: "ioperm iopl",
  CAP_SYS_TIME: "clock_settime clock_settime64 settimeofday stime",
  CAP_SYS_TTY_CONFIG: "vhangup",
  CAP_SYSLOG: "syslog",
};

const byArchitecture = {
  amd64: {
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    names: "arch_prctl modify_ldt",
  },
  arm64: {
    architectures: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
    names: "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2",
  },
} as const;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET together (sched.h). */
const namespaceFlags = 0x7e020000;
/** Address families the socket call may not have: vsock reaches the hypervisor, past the network namespace. */
const familyVsock = 40;
/** The personalities that real programs ask for: Linux, its 32-bit look, without randomisation, "what is it now". */
const personalities = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];
const errnoEperm = 1;
const errnoEnosys = 38;

const made = new Map<string, SeccompProfile>();
const madeMax = 64;

/** The profile for a container with these capabilities on this machine. Few differ, so each is made once. */
export function defaultSeccompProfile(
  capabilities: readonly string[],
  architecture: HostFacts["architecture"],
  kernelRelease: string,
): SeccompProfile {
  const key = `${architecture} ${kernelRelease} ${capabilities.join(" ")}`;
  let profile = made.get(key);
  if (profile === undefined) {
    profile = makeProfile(capabilities, architecture, kernelRelease);
    if (made.size < madeMax) made.set(key, profile);
  }
  return profile;
}

function makeProfile(
  capabilities: readonly string[],
  architecture: HostFacts["architecture"],
  kernelRelease: string,
): SeccompProfile {
  const names = new Set(Object.values(always).flatMap(words));
  for (const name of words(byArchitecture[architecture].names)) names.add(name);
  for (const capability of capabilities) {
    for (const name of words(withCapability[capability] ?? "")) names.add(name);
  }
  // Until 4.8 ptrace could change a call after the filter had seen it (seccomp(2)).
  if (isAtLeast(kernelRelease, 4, 8)) {
    for (const name of ["ptrace", "process_vm_readv", "process_vm_writev"]) names.add(name);
  }
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: errnoEperm,
    architectures: byArchitecture[architecture].architectures,
    syscalls: [
      { names: [...names].sort(), action: "SCMP_ACT_ALLOW" },
      ...personalities.map((value) => onArgument("personality", 0, value, "SCMP_CMP_EQ")),
      onArgument("socket", 0, familyVsock, "SCMP_CMP_NE"),
      ...(names.has("clone") ? [] : withoutNamespaces()),
    ],
  };
}

/** Threads and processes, but no new namespaces. clone3 hides its flags in memory: ENOSYS sends libc to clone. */
function withoutNamespaces(): readonly Rule[] {
  return [
    {
      names: ["clone"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 0, value: namespaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
    },
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: errnoEnosys },
  ];
}

function onArgument(name: string, index: number, value: number, op: string): Rule {
  return { names: [name], action: "SCMP_ACT_ALLOW", args: [{ index, value, op }] };
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function isAtLeast(release: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = release.split(/[.-]/).map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
