/** Propagation of mounts: shared, private, slave and unbindable, all pairs of types, all changes of type (mount_namespaces(7), SHARED SUBTREES). */
import type { Op } from "../../../apps/runtime/src/kernel/index.ts";
import { type ContractCase, sandbox } from "../contract-case.ts";
import { bind, dirs, propagate, tmpfs } from "../op-words.ts";

/** A mount at ~/a with a directory in it, and a place for its peer. */
const pair: readonly Op[] = [
  ...dirs("~/a", "~/b", "~/c"),
  tmpfs("~/a"),
  ...dirs("~/a/sub", "~/a/two"),
];
const shared: readonly Op[] = [...pair, propagate("~/a", "shared"), bind("~/a", "~/b")];

export const propagationPairCases: readonly ContractCase[] = [
  {
    name: "bound pair, source private and copy private: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "private"),
        bind("~/a", "~/b"),
        propagate("~/b", "private"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "bound pair, source private and copy shared: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "private"),
        bind("~/a", "~/b"),
        propagate("~/b", "shared"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
    ],
  },
  {
    name: "bound pair, source private and copy slave: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "private"),
        bind("~/a", "~/b"),
        propagate("~/b", "slave"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "bound pair, source private and copy unbindable: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "private"),
        bind("~/a", "~/b"),
        propagate("~/b", "unbindable"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime unbindable",
    ],
  },
  {
    name: "bound pair, source shared and copy private: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "shared"),
        bind("~/a", "~/b"),
        propagate("~/b", "private"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "bound pair, source shared and copy shared: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "shared"),
        bind("~/a", "~/b"),
        propagate("~/b", "shared"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "bound pair, source shared and copy slave: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "shared"),
        bind("~/a", "~/b"),
        propagate("~/b", "slave"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime master:1",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime master:2",
    ],
  },
  {
    name: "bound pair, source shared and copy unbindable: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "shared"),
        bind("~/a", "~/b"),
        propagate("~/b", "unbindable"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime unbindable",
    ],
  },
  {
    name: "bound pair, source slave and copy private: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "slave"),
        bind("~/a", "~/b"),
        propagate("~/b", "private"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "bound pair, source slave and copy shared: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "slave"),
        bind("~/a", "~/b"),
        propagate("~/b", "shared"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
    ],
  },
  {
    name: "bound pair, source slave and copy slave: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "slave"),
        bind("~/a", "~/b"),
        propagate("~/b", "slave"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime",
    ],
  },
  {
    name: "bound pair, source slave and copy unbindable: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "slave"),
        bind("~/a", "~/b"),
        propagate("~/b", "unbindable"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime unbindable",
    ],
  },
  {
    name: "bound pair, source unbindable and copy private: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "unbindable"),
        bind("~/a", "~/b"),
        propagate("~/b", "private"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount bind from ~/a on ~/b: EINVAL",
      "propagate ~/b private: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime unbindable",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "bound pair, source unbindable and copy shared: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "unbindable"),
        bind("~/a", "~/b"),
        propagate("~/b", "shared"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount bind from ~/a on ~/b: EINVAL",
      "propagate ~/b shared: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime unbindable",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "bound pair, source unbindable and copy slave: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "unbindable"),
        bind("~/a", "~/b"),
        propagate("~/b", "slave"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount bind from ~/a on ~/b: EINVAL",
      "propagate ~/b slave: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime unbindable",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "bound pair, source unbindable and copy unbindable: a mount below the source",
    run: sandbox(
      [
        ...pair,
        propagate("~/a", "unbindable"),
        bind("~/a", "~/b"),
        propagate("~/b", "unbindable"),
        tmpfs("~/a/sub"),
      ],
      ["mounts"],
    ),
    expect: [
      "mount bind from ~/a on ~/b: EINVAL",
      "propagate ~/b unbindable: EINVAL",
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime unbindable",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "bound pair of a shared mount, copy shared: a mount below the copy",
    run: sandbox([...shared, propagate("~/b", "shared"), tmpfs("~/b/sub")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 2 ~/a/sub tmpfs fs3 / rw,relatime shared:2",
      "mount 4 on 1 ~/b tmpfs fs2 / rw,relatime shared:1",
      "mount 5 on 4 ~/b/sub tmpfs fs3 / rw,relatime shared:2",
    ],
  },
  {
    name: "bound pair of a shared mount, copy slave: a mount below the copy",
    run: sandbox([...shared, propagate("~/b", "slave"), tmpfs("~/b/sub")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
      "mount 3 on 1 ~/b tmpfs fs2 / rw,relatime master:1",
      "mount 4 on 3 ~/b/sub tmpfs fs3 / rw,relatime",
    ],
  },
  {
    name: "a mount that was private becomes shared",
    run: sandbox([...pair, propagate("~/a", "private"), propagate("~/a", "shared")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
    ],
  },
  {
    name: "a mount that was private becomes slave",
    run: sandbox([...pair, propagate("~/a", "private"), propagate("~/a", "slave")], ["mounts"]),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime"],
  },
  {
    name: "a mount that was private becomes unbindable",
    run: sandbox(
      [...pair, propagate("~/a", "private"), propagate("~/a", "unbindable")],
      ["mounts"],
    ),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime unbindable",
    ],
  },
  {
    name: "a mount that was shared becomes private",
    run: sandbox([...pair, propagate("~/a", "shared"), propagate("~/a", "private")], ["mounts"]),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime"],
  },
  {
    name: "a mount that was shared becomes slave",
    run: sandbox([...pair, propagate("~/a", "shared"), propagate("~/a", "slave")], ["mounts"]),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime"],
  },
  {
    name: "a mount that was shared becomes unbindable",
    run: sandbox([...pair, propagate("~/a", "shared"), propagate("~/a", "unbindable")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime unbindable",
    ],
  },
  {
    name: "a mount that was slave becomes private",
    run: sandbox([...pair, propagate("~/a", "slave"), propagate("~/a", "private")], ["mounts"]),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime"],
  },
  {
    name: "a mount that was slave becomes shared",
    run: sandbox([...pair, propagate("~/a", "slave"), propagate("~/a", "shared")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
    ],
  },
  {
    name: "a mount that was slave becomes unbindable",
    run: sandbox([...pair, propagate("~/a", "slave"), propagate("~/a", "unbindable")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime unbindable",
    ],
  },
  {
    name: "a mount that was unbindable becomes private",
    run: sandbox(
      [...pair, propagate("~/a", "unbindable"), propagate("~/a", "private")],
      ["mounts"],
    ),
    expect: ["mount 1 on - ~ tmpfs fs1 / rw,relatime", "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime"],
  },
  {
    name: "a mount that was unbindable becomes shared",
    run: sandbox([...pair, propagate("~/a", "unbindable"), propagate("~/a", "shared")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime shared:1",
    ],
  },
  {
    name: "a mount that was unbindable becomes slave",
    run: sandbox([...pair, propagate("~/a", "unbindable"), propagate("~/a", "slave")], ["mounts"]),
    expect: [
      "mount 1 on - ~ tmpfs fs1 / rw,relatime",
      "mount 2 on 1 ~/a tmpfs fs2 / rw,relatime unbindable",
    ],
  },
];
