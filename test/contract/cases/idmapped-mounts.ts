/** Mounts with an id map of their own (mount_setattr(2), MOUNT_ATTR_IDMAP). */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { containerPlan } from "../container-case.ts";
import {
  type CaseRun,
  type ContractCase,
  makeDirectory,
  type Scenario,
  sandbox,
} from "../contract-case.ts";
import {
  attach,
  bind,
  chmod,
  chown,
  clone,
  dirs,
  file,
  open,
  setgid,
  setuid,
  tree,
} from "../op-words.ts";

const map = [{ containerId: 0, hostId: 100_000, size: 1000 }] as const;

/** Starts a container in a user namespace and gives the path of that namespace. */
async function userNamespace(run: CaseRun): Promise<string> {
  const created = await run.create(
    containerPlan(run, {
      bare: true,
      namespaces: ["mnt", "pid", "user"],
      outside: [{ op: "idMap", child: "init", uid: map, gid: map }],
      early: [setgid(0), setuid(0)],
      sh: "exec sleep 100",
    }),
  );
  if (created === undefined || !(await run.start(created))) throw new Error("no user namespace");
  return `/proc/${created.container.pid}/ns/user`;
}

/** Ops with a user namespace's file in the slot "userns"; the probe looks at the end. */
function mapped(ops: readonly Op[], probe: readonly string[]): Scenario {
  return async (run) => {
    await makeDirectory(run);
    const path = await userNamespace(run);
    const inside = sandbox([open(path, ["rdonly"], "userns"), ...ops], probe, { made: true });
    await inside(run);
  };
}

const idmap = (fd: string): Op => ({
  op: "mountSetattr",
  fd,
  set: [],
  clear: [],
  recursive: false,
  idmap: "userns",
});
const files: readonly Op[] = [
  ...dirs("~/a", "~/b"),
  file("~/a/root", "x"),
  file("~/a/user", "x"),
  chown("~/a/user", 5, 6),
  file("~/a/far", "x"),
  chown("~/a/far", 5000, 5000),
];

export const idmappedCases: readonly ContractCase[] = [
  {
    name: "idmapped mount: owners are shifted, those outside of the map overflow",
    run: mapped(
      [...files, clone("~/a", "c"), idmap("c"), attach("c", "~/b")],
      [
        "stat",
        "~/b/root",
        "+",
        "stat",
        "~/b/user",
        "+",
        "stat",
        "~/b/far",
        "+",
        "stat",
        "~/a/user",
      ],
    ),
    expect: [
      "stat ~/b/root 100644 100000:100000 0:0 1",
      "stat ~/b/user 100644 100005:100006 0:0 1",
      "stat ~/b/far 100644 65534:65534 0:0 1",
      "stat ~/a/user 100644 5:6 0:0 1",
    ],
  },
  {
    name: "idmapped mount: what a mapped id makes belongs to the id inside",
    run: mapped(
      [
        ...files,
        clone("~/a", "c"),
        idmap("c"),
        attach("c", "~/b"),
        chmod("~/a", 0o777),
        setgid(100_007),
        setuid(100_007),
        file("~/b/new", "x"),
      ],
      ["stat", "~/b/new", "+", "stat", "~/a/new"],
    ),
    expect: ["stat ~/b/new 100644 100007:100007 0:0 1", "stat ~/a/new 100644 7:7 0:0 1"],
  },
  {
    name: "idmapped mount: an id that is not mapped cannot make files",
    run: mapped(
      [
        ...files,
        clone("~/a", "c"),
        idmap("c"),
        attach("c", "~/b"),
        file("~/b/new", "x"),
        chown("~/b/root", 100_003, 100_003),
        chown("~/b/user", 7, 7),
      ],
      ["stat", "~/a/root"],
    ),
    expect: [
      "writeFile ~/b/new 1 bytes create 0644: EOVERFLOW",
      "chown ~/b/user owner 7:7: EOVERFLOW",
      "stat ~/a/root 100644 3:3 0:0 1",
    ],
  },
  {
    name: "idmapped mount: only a detached one can be mapped",
    run: mapped([...files, bind("~/a", "~/b"), tree("~/b", "t"), idmap("t")], ["stat", "~/b/user"]),
    expect: ["mountSetattr <t> idmap <userns>: EINVAL", "stat ~/b/user 100644 5:6 0:0 1"],
  },
  {
    name: "idmapped mount: it is mapped once",
    run: mapped(
      [...files, clone("~/a", "c"), idmap("c"), idmap("c"), attach("c", "~/b")],
      ["stat", "~/b/user"],
    ),
    expect: ["mountSetattr <c> idmap <userns>: EPERM", "stat ~/b/user 100644 100005:100006 0:0 1"],
  },
  {
    name: "idmapped mount: the initial user namespace is refused",
    run: mapped(
      [...files, open("/proc/self/ns/user", ["rdonly"], "userns"), clone("~/a", "c"), idmap("c")],
      ["say", "on"],
    ),
    expect: ["mountSetattr <c> idmap <userns>: EPERM", "on"],
  },
  {
    name: "idmapped mount: a slot that is no user namespace is refused",
    run: mapped(
      [...files, open("/proc/self/ns/uts", ["rdonly"], "userns"), clone("~/a", "c"), idmap("c")],
      ["say", "on"],
    ),
    expect: ["mountSetattr <c> idmap <userns>: EINVAL", "on"],
  },
  {
    name: "idmapped mount: it is seen in the mount table",
    run: mapped([...files, clone("~/a", "c"), idmap("c"), attach("c", "~/b")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/b tmpfs fs1 /a rw,relatime,idmapped",
    ],
  },
];
