/** User namespaces: id maps, capabilities, what root inside may not do (user_namespaces(7)). */

import { container } from "../container-case.ts";
import { type ContractCase, sandbox } from "../contract-case.ts";
import {
  bind,
  chmod,
  chown,
  dirs,
  file,
  open,
  rbind,
  setattr,
  setgid,
  setuid,
  tmpfs,
  tree,
  umount,
  unshare,
} from "../op-words.ts";

export const userNamespaceCases: readonly ContractCase[] = [
  {
    name: "a mapped root is 0 inside",
    run: sandbox([], ["id"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 100000, size: 1000 }],
          gid: [{ containerId: 0, hostId: 100000, size: 1000 }],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: ["uid 0 0 0, gid 0 0 0, groups, pid (host), ppid (host), sid (host)"],
  },
  {
    name: "a mapped root owns what it makes as its host id",
    run: sandbox([file("~/f", "x"), chown("~/f", 5, 6)], ["stat", "~/f"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 0, size: 65536 }],
          gid: [{ containerId: 0, hostId: 0, size: 65536 }],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: ["stat ~/f 100644 5:6 0:0 1"],
  },
  {
    name: "ids that are not mapped show as the overflow id",
    run: sandbox([], ["stat", "/"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 100000, size: 1000 }],
          gid: [{ containerId: 0, hostId: 100000, size: 1000 }],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: ["stat / 40755 65534:65534 0:0 -"],
  },
  {
    name: "chown to an id that is not mapped is EINVAL",
    run: sandbox([file("~/f"), chown("~/f", 5000, 0)], ["stat", "~/f"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 100000, size: 1000 }],
          gid: [{ containerId: 0, hostId: 100000, size: 1000 }],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: ["chown ~/f owner 5000:0: EINVAL", "stat ~/f 100644 0:0 0:0 0"],
  },
  {
    name: "setresuid and setresgid to ids that are not mapped are EINVAL",
    run: sandbox([setuid(1000), setgid(1000), setuid(999), setgid(999)], ["id"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 100000, size: 1000 }],
          gid: [{ containerId: 0, hostId: 100000, size: 1000 }],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: [
      "setresuid 1000: EINVAL",
      "setresgid 1000: EINVAL",
      "setresgid 999: EPERM",
      "uid 999 999 999, gid 0 0 0, groups, pid (host), ppid (host), sid (host)",
    ],
  },
  {
    name: "two ranges",
    run: sandbox(
      [file("~/f"), chown("~/f", 1005, 9), setgid(1001), setuid(1001), setuid(11)],
      ["id", "+", "stat", "~/f"],
      {
        namespaces: ["user", "mnt"],
        outside: [
          {
            op: "idMap",
            child: "init",
            uid: [
              { containerId: 0, hostId: 100000, size: 10 },
              { containerId: 1000, hostId: 200000, size: 10 },
            ],
            gid: [
              { containerId: 0, hostId: 100000, size: 10 },
              { containerId: 1000, hostId: 200000, size: 10 },
            ],
          },
        ],
        early: [setgid(0), setuid(0)],
      },
    ),
    expect: [
      "setresuid 11: EINVAL",
      "uid 1001 1001 1001, gid 1001 1001 1001, groups, pid (host), ppid (host), sid (host)",
      "stat ~/f 100644 1005:9 0:0 0",
    ],
  },
  {
    name: "all capabilities inside, none over the host",
    run: sandbox([{ op: "sethostname", name: "x" }], ["caps"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 100000, size: 1000 }],
          gid: [{ containerId: 0, hostId: 100000, size: 1000 }],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: [
      "sethostname x: EPERM",
      "CapInh none, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "a tmpfs may be mounted, a device may not be made",
    run: sandbox(
      [
        ...dirs("~/t"),
        tmpfs("~/t"),
        { op: "mknod", path: "~/t/null", type: "char", major: 1, minor: 3, mode: 0o666 },
        { op: "mknod", path: "~/t/p", type: "fifo", mode: 0o666 },
      ],
      ["mounts"],
      {
        namespaces: ["user", "mnt"],
        outside: [
          {
            op: "idMap",
            child: "init",
            uid: [{ containerId: 0, hostId: 100000, size: 1000 }],
            gid: [{ containerId: 0, hostId: 100000, size: 1000 }],
          },
        ],
        early: [setgid(0), setuid(0)],
      },
    ),
    expect: [
      "mknod ~/t/null char 1:3 0666: EPERM",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/t tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "a bind in a user namespace must take mounts of the host below along",
    run: sandbox(
      [
        ...dirs("~/a", "~/b"),
        tmpfs("~/a"),
        ...dirs("~/a/sub"),
        tmpfs("~/a/sub"),
        unshare("user", "mnt"),
        bind("~/a", "~/b"),
        rbind("~/a", "~/b"),
        umount("~/b/sub"),
        umount("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount bind from ~/a on ~/b: EINVAL",
      "umount ~/b/sub: EINVAL",
      "umount ~/a/sub: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "a mapped root that did not become root inside has the overflow id and loses its capabilities",
    run: sandbox([], ["id", "+", "caps"], {
      namespaces: ["user"],
      bare: true,
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 100000, size: 1000 }],
          gid: [{ containerId: 0, hostId: 100000, size: 1000 }],
        },
      ],
    }),
    expect: [
      "uid 65534 65534 65534, gid 65534 65534 65534, groups, pid (host), ppid (host), sid (host)",
      "CapInh none, CapPrm none, CapEff none, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "umount of a mount of the host is refused",
    run: sandbox([umount("/proc"), umount("/proc", true)], ["say", "on"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 0, size: 65536 }],
          gid: [{ containerId: 0, hostId: 0, size: 65536 }],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: ["umount /proc: EINVAL", "umount /proc detach: EINVAL", "on"],
  },
  {
    name: "flags locked by the host cannot be cleared",
    run: sandbox(
      [
        ...dirs("~/a", "~/b"),
        tmpfs("~/a", ["nosuid", "nodev"]),
        unshare("user", "mnt"),
        bind("~/a", "~/b"),
        tree("~/b", "b"),
        setattr("b", [], { clear: ["nosuid"] }),
        setattr("b", ["rdonly"]),
        setattr("b", [], { clear: ["rdonly"] }),
      ],
      ["say", "on"],
    ),
    expect: ["mountSetattr <b> clear nosuid: EPERM", "on"],
  },
  {
    name: "capabilities over files end where the owner is not mapped",
    run: sandbox(
      [
        file("~/own", "", 0o000),
        file("~/other", "", 0o640),
        chown("~/other", 5, 5),
        file("~/all", "", 0o604),
        chown("~/all", 5, 5),
        unshare("user"),
        open("~/own", ["rdonly"]),
        open("~/other", ["rdonly"]),
        open("~/all", ["rdonly"]),
        open("~/all", ["wronly"]),
        chmod("~/all", 0o600),
        chmod("~/own", 0o600),
        chown("~/own", 0, 0),
      ],
      ["stat", "~/own"],
    ),
    expect: [
      "open ~/own rdonly as <file>: EACCES",
      "open ~/other rdonly as <file>: EACCES",
      "open ~/all wronly as <file>: EACCES",
      "chmod ~/all 0600: EPERM",
      "chown ~/own owner 0:0: EINVAL",
      "stat ~/own 100600 65534:65534 0:0 0",
    ],
  },
  {
    name: "setgroups in a mapped namespace",
    run: sandbox(
      [
        { op: "setgroups", groups: [1, 2, 999] },
        { op: "setgroups", groups: [5000] },
      ],
      ["id"],
      {
        namespaces: ["user", "mnt"],
        outside: [
          {
            op: "idMap",
            child: "init",
            uid: [{ containerId: 0, hostId: 100000, size: 1000 }],
            gid: [{ containerId: 0, hostId: 100000, size: 1000 }],
          },
        ],
        early: [setgid(0), setuid(0)],
      },
    ),
    expect: [
      "setgroups 5000: EINVAL",
      "uid 0 0 0, gid 0 0 0, groups 1 2 999, pid (host), ppid (host), sid (host)",
    ],
  },
  {
    name: "without a map there is only the overflow id",
    run: sandbox([], ["id"], { namespaces: ["user"], bare: true }),
    expect: [
      "uid 65534 65534 65534, gid 65534 65534 65534, groups, pid (host), ppid (host), sid (host)",
    ],
  },
  {
    name: "without a map setresuid is EINVAL",
    run: sandbox([setuid(0), setgid(0), { op: "setgroups", groups: [] }], ["id"], {
      namespaces: ["user"],
      bare: true,
    }),
    expect: [
      "setresuid 0: EINVAL",
      "setresgid 0: EINVAL",
      "setgroups none: EPERM",
      "uid 65534 65534 65534, gid 65534 65534 65534, groups, pid (host), ppid (host), sid (host)",
    ],
  },
  {
    name: "a map that overlaps itself is EINVAL",
    run: sandbox([], ["id"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [
            { containerId: 0, hostId: 100000, size: 10 },
            { containerId: 5, hostId: 200000, size: 10 },
          ],
          gid: [
            { containerId: 0, hostId: 100000, size: 10 },
            { containerId: 5, hostId: 200000, size: 10 },
          ],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: [
      "idMap init uid 0=100000+10 uid 5=200000+10 gid 0=100000+10 gid 5=200000+10: EINVAL",
      "failed: ECANCELED",
    ],
  },
  {
    name: "a map that overlaps on the host is EINVAL",
    run: sandbox([], ["id"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [
            { containerId: 0, hostId: 100000, size: 10 },
            { containerId: 50, hostId: 100005, size: 10 },
          ],
          gid: [
            { containerId: 0, hostId: 100000, size: 10 },
            { containerId: 50, hostId: 100005, size: 10 },
          ],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: [
      "idMap init uid 0=100000+10 uid 50=100005+10 gid 0=100000+10 gid 50=100005+10: EINVAL",
      "failed: ECANCELED",
    ],
  },
  {
    name: "a map of size 0 is EINVAL",
    run: sandbox([], ["id"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 100000, size: 0 }],
          gid: [{ containerId: 0, hostId: 100000, size: 0 }],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: ["idMap init uid 0=100000+0 gid 0=100000+0: EINVAL", "failed: ECANCELED"],
  },
  {
    name: "a map past the last id is EINVAL",
    run: sandbox([], ["id"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 4294967290, size: 100 }],
          gid: [{ containerId: 0, hostId: 4294967290, size: 100 }],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: ["idMap init uid 0=4294967290+100 gid 0=4294967290+100: EINVAL", "failed: ECANCELED"],
  },
  {
    name: "uid and gid maps may differ",
    run: sandbox([], ["id"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 100000, size: 10 }],
          gid: [
            { containerId: 0, hostId: 200000, size: 10 },
            { containerId: 100, hostId: 300000, size: 1 },
          ],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: ["uid 0 0 0, gid 0 0 0, groups, pid (host), ppid (host), sid (host)"],
  },
  {
    name: "a container in a user namespace, root only inside",
    run: container({
      namespaces: ["mnt", "pid", "net", "ipc", "uts", "cgroup", "user"],
      bare: true,
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 0, size: 65536 }],
          gid: [{ containerId: 0, hostId: 0, size: 65536 }],
        },
      ],
      early: [setgid(0), setuid(0)],
      probe: ["id", "+", "mounts"],
    }),
    expect: [
      "uid 0 0 0, gid 0 0 0, groups, pid 1, ppid 0, sid 1",
      "mount 1 on - / tmpfs fs1 /root rw,relatime",
      "mount 2 on 1 /proc proc fs2 / rw,nosuid,nodev,noexec,relatime",
    ],
  },
  {
    name: "files of a container in a user namespace",
    run: container({
      namespaces: ["mnt", "pid", "net", "ipc", "uts", "cgroup", "user"],
      bare: true,
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 100000, size: 1000 }],
          gid: [{ containerId: 0, hostId: 100000, size: 1000 }],
        },
      ],
      early: [setgid(0), setuid(0)],
      probe: ["stat", "/", "+", "write", "/etc/f", "x", "+", "stat", "/etc/f"],
    }),
    expect: ["stat / 40755 0:0 0:0 -", "written /etc/f", "stat /etc/f 100644 0:0 0:0 1"],
  },
  {
    name: "nested user namespaces: a second unshare has no map",
    run: sandbox([unshare("user"), { op: "setgroups", groups: [] }], ["id", "+", "ns"], {
      namespaces: ["user", "mnt"],
      outside: [
        {
          op: "idMap",
          child: "init",
          uid: [{ containerId: 0, hostId: 100000, size: 1000 }],
          gid: [{ containerId: 0, hostId: 100000, size: 1000 }],
        },
      ],
      early: [setgid(0), setuid(0)],
    }),
    expect: [
      "setgroups none: EPERM",
      "uid 65534 65534 65534, gid 65534 65534 65534, groups, pid (host), ppid (host), sid (host)",
      "ns mnt new, pid the host's, net the host's, ipc the host's, uts the host's, user new, cgroup the host's, time the host's",
    ],
  },
  {
    name: "the sysctl of the host may not be written from a user namespace",
    run: sandbox(
      [
        open("/proc/sys/kernel/panic", ["wronly"]),
        open("/proc/sys/kernel/panic", ["rdonly"]),
        { op: "sysctl", key: "vm.swappiness", value: "60" },
      ],
      ["say", "on"],
      {
        namespaces: ["user", "mnt"],
        outside: [
          {
            op: "idMap",
            child: "init",
            uid: [{ containerId: 0, hostId: 100000, size: 1000 }],
            gid: [{ containerId: 0, hostId: 100000, size: 1000 }],
          },
        ],
        early: [setgid(0), setuid(0)],
      },
    ),
    expect: [
      "open /proc/sys/kernel/panic wronly as <file>: EACCES",
      "sysctl vm.swappiness = 60: EACCES",
      "on",
    ],
  },
];
