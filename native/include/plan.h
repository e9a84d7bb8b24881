/*
 * The binary form of a Plan: what TypeScript writes (kernel/linux/encode.ts) and the executor reads.
 *
 * Everything is little-endian and length-prefixed; nothing is delimited, padded or aligned. A reader
 * refuses input that is longer or shorter than it says, counts above the bounds below, unknown
 * numbers, bytes left over anywhere, and strings with a NUL inside.
 *
 *   plan    = u32 PLAN_MAGIC, u16 PLAN_VERSION, u16 op count, u32 length of the whole plan, op...
 *   op      = u16 opcode, u8 process, u8 ignore count, u32 length of body, u16 errno per ignore, body
 *   string  = u32 length, the bytes, one NUL that the length does not count (so C can use it in place)
 *   bytes   = u32 length, the bytes
 *   list<T> = u16 count, T...
 *   slot    = u16; PLAN_SLOT_NONE where the field is optional and absent
 *   bool    = u8, 0 or 1
 *
 * Bit sets (namespaces, mount attributes, open flags) have numbers of their own, in the order of the
 * TypeScript unions, because some of the kernel's differ between machines.
 */
#ifndef VITRINE_PLAN_H
#define VITRINE_PLAN_H

#define PLAN_MAGIC 0x4e4c5056u /* "VPLN" */
#define PLAN_VERSION 1
#define PLAN_HEADER_SIZE 12
#define PLAN_OP_HEADER_SIZE 8

#define PLAN_SIZE_MAX (4u * 1024 * 1024)
#define PLAN_OPS_MAX 2048
#define PLAN_IGNORE_MAX 16
#define PLAN_PATH_MAX 4095
#define PLAN_STRING_MAX (128u * 1024) /* MAX_ARG_STRLEN of the kernel */
#define PLAN_LIST_MAX 16384           /* argv, env */
#define PLAN_GROUPS_MAX 65536u        /* NGROUPS_MAX */
#define PLAN_MAPPINGS_MAX 340         /* lines of a uid_map, user_namespaces(7) */
#define PLAN_OPTIONS_MAX 512          /* options of one fsmount */
#define PLAN_FILTER_MAX 4096          /* BPF_MAXINSNS */
#define PLAN_BARRIERS_MAX 8
#define PLAN_SLOTS_MAX 256

enum plan_process {
    PROCESS_HOST = 0,
    PROCESS_OCI = 1,
    PROCESS_INIT = 2,
    PROCESS_EXEC = 3,
};
#define PLAN_PROCESSES 4

/* Slots with fixed numbers; 5 to 7 are kept free, the names of a Plan count from PLAN_SLOT_FIRST. */
#define PLAN_SLOT_STDIN 0
#define PLAN_SLOT_STDOUT 1
#define PLAN_SLOT_STDERR 2
#define PLAN_SLOT_START 3
#define PLAN_SLOT_CONSOLE 4
#define PLAN_SLOT_FIRST 8
#define PLAN_SLOT_NONE 0xffff

/* The comment is the body; `at` is a slot that may be absent: then paths are the host's, trusted. */
enum plan_opcode {
    /* Processes */
    OP_CLONE3 = 1,      /* u8 child, u32 namespaces, slot cgroup|none */
    OP_UNSHARE = 2,     /* u32 namespaces */
    OP_SETNS = 3,       /* slot fd, u32 namespaces */
    OP_PIDFD_OPEN = 4,  /* i32 pid, u64 start time, slot as */
    OP_ID_MAP = 5,      /* u8 child, list<mapping> uid, list<mapping> gid; mapping = u32 container, host, size */
    OP_AWAIT = 6,       /* u8 barrier */
    OP_RELEASE = 7,     /* u8 barrier */
    OP_AWAIT_START = 8, /* nothing */
    OP_SETSID = 9,      /* nothing */
    OP_CONSOLE = 10,    /* slot at, u16 width, u16 height */
    OP_CLOSE_RANGE = 11, /* u32 from, list<slot> keep */
    OP_EXECVE = 12,     /* string path, list<string> argv, list<string> env */

    /* Files */
    OP_OPEN = 20,        /* slot at, string path, u32 flags, u32 mode, slot as */
    OP_CLOSE = 21,       /* slot fd */
    OP_MKDIR = 22,       /* slot at, string path, u32 mode, bool parents, u32 uid, u32 gid (~0: leave) */
    OP_MKNOD = 23,       /* slot at, string path, u8 type, u32 major, u32 minor, u32 mode, u32 uid, u32 gid */
    OP_SYMLINK = 24,     /* slot at, string target, string path */
    OP_WRITE_FILE = 25,  /* slot at, string path, bytes data, u32 mode, u8 how */
    OP_CHMOD = 26,       /* slot at, string path ("" is the slot itself), u32 mode */
    OP_CHOWN = 27,       /* slot at, string path ("" is the slot itself), u32 uid, u32 gid */
    OP_UNLINK = 28,      /* slot at, string path */
    OP_RMDIR = 29,       /* slot at, string path */
    OP_REMOVE_TREE = 30, /* slot at, string path */
    OP_RENAME = 31,      /* slot at, string from, string to */
    OP_COPY_TREE = 32,   /* slot at, string from, string to */

    /* Mounts */
    OP_MOUNT = 40,         /* string source, string target, string fstype, u32 attrs, string data */
    OP_FSMOUNT = 41,       /* string fstype, string source, list<(string, string)> options, u32 attrs, slot as */
    OP_OPEN_TREE = 42,     /* slot at, string path, bool clone, bool recursive, slot as */
    OP_MOUNT_SETATTR = 43, /* slot fd, u32 set, u32 clear, bool recursive, u8 propagation, slot idmap|none */
    OP_MOVE_MOUNT = 44,    /* slot fd, slot at, string path, u8 create, bool ordinary */
    OP_PROPAGATE = 45,     /* slot at, string path, u8 propagation, bool recursive */
    OP_PIVOT_ROOT = 46,    /* slot root */
    OP_UMOUNT = 47,        /* string path, bool detach */
    OP_MASK_PATH = 48,     /* string path */
    OP_READONLY_PATH = 49, /* string path */
    OP_CHROOT = 50,        /* slot root */

    /* Attributes of the process and its namespaces */
    OP_SETHOSTNAME = 60,         /* string name */
    OP_SETDOMAINNAME = 61,       /* string name */
    OP_SYSCTL = 62,              /* string key, string value */
    OP_LINK_UP = 63,             /* string name */
    OP_RLIMIT = 64,              /* u8 RLIMIT_ number, u64 soft, u64 hard (~0 is infinity) */
    OP_OOM_SCORE_ADJ = 65,       /* i32 value, bool clamp */
    OP_UMASK = 66,               /* u32 mask */
    OP_CHDIR = 67,               /* string path, bool create */
    OP_SETGROUPS = 68,           /* list<u32> groups */
    OP_SETRESGID = 69,           /* u32 gid */
    OP_SETRESUID = 70,           /* u32 uid */
    OP_KEEP_CAPS = 71,           /* bool on */
    OP_CAP_BOUNDING = 72,        /* u64 capability set */
    OP_CAPSET = 73,              /* u64 effective, permitted, inheritable, ambient */
    OP_NO_NEW_PRIVS = 74,        /* nothing */
    OP_DUMPABLE = 75,            /* bool on */
    OP_PARENT_DEATH_SIGNAL = 76, /* i32 signal */
    OP_CGROUP_JOIN = 77,         /* string path of the cgroup's directory */
    OP_APPARMOR = 78,            /* string profile */
    OP_SELINUX = 79,             /* string label */
    OP_SECCOMP = 80,             /* bytes struct sock_filter[], u32 flags */
    OP_DEVICE_FILTER = 81,       /* string path of the cgroup's directory, bytes struct bpf_insn[] */
};

#define PLAN_NS_MNT 0x01u
#define PLAN_NS_PID 0x02u
#define PLAN_NS_NET 0x04u
#define PLAN_NS_IPC 0x08u
#define PLAN_NS_UTS 0x10u
#define PLAN_NS_USER 0x20u
#define PLAN_NS_CGROUP 0x40u
#define PLAN_NS_TIME 0x80u
#define PLAN_NS_ALL 0xffu

#define PLAN_ATTR_RDONLY 0x001u
#define PLAN_ATTR_NOSUID 0x002u
#define PLAN_ATTR_NODEV 0x004u
#define PLAN_ATTR_NOEXEC 0x008u
#define PLAN_ATTR_NOATIME 0x010u
#define PLAN_ATTR_RELATIME 0x020u
#define PLAN_ATTR_STRICTATIME 0x040u
#define PLAN_ATTR_NODIRATIME 0x080u
#define PLAN_ATTR_NOSYMFOLLOW 0x100u
#define PLAN_ATTR_ALL 0x1ffu

#define PLAN_OPEN_PATH 0x001u
#define PLAN_OPEN_RDONLY 0x002u
#define PLAN_OPEN_WRONLY 0x004u
#define PLAN_OPEN_RDWR 0x008u
#define PLAN_OPEN_CREAT 0x010u
#define PLAN_OPEN_EXCL 0x020u
#define PLAN_OPEN_TRUNC 0x040u
#define PLAN_OPEN_APPEND 0x080u
#define PLAN_OPEN_DIRECTORY 0x100u
#define PLAN_OPEN_NOFOLLOW 0x200u
#define PLAN_OPEN_NONBLOCK 0x400u
#define PLAN_OPEN_ALL 0x7ffu

enum plan_propagation {
    PROPAGATION_NONE = 0,
    PROPAGATION_PRIVATE = 1,
    PROPAGATION_SHARED = 2,
    PROPAGATION_SLAVE = 3,
    PROPAGATION_UNBINDABLE = 4,
};

enum plan_node_type { NODE_CHAR = 0, NODE_BLOCK = 1, NODE_FIFO = 2, NODE_FILE = 3 };
enum plan_write_how { WRITE_CREATE = 0, WRITE_EXISTING = 1 };
enum plan_create { CREATE_NOTHING = 0, CREATE_DIRECTORY = 1, CREATE_FILE = 2 };

#define PLAN_SECCOMP_LOG 0x1u
#define PLAN_SECCOMP_SPEC_ALLOW 0x2u
#define PLAN_SECCOMP_TSYNC 0x4u
#define PLAN_SECCOMP_ALL 0x7u

#endif
