/** Disagreements that generated cases found, shrunk, with what Linux says. */
import { type ContractCase, sandbox } from "../contract-case.ts";
import {
  attach,
  capset,
  chown,
  dirs,
  file,
  keepCaps,
  mkdir,
  setgid,
  setuid,
  write,
} from "../op-words.ts";

export const foundCases: readonly ContractCase[] = [
  {
    name: "ambient capabilities are raised one by one: those before a refused one stay",
    run: sandbox(
      [
        capset({
          permitted: ["setgid"],
          inheritable: ["setgid"],
          ambient: ["setgid", "setuid"],
        }),
      ],
      ["caps"],
    ),
    expect: [
      "capset effective none permitted setgid inheritable setgid ambient setgid,setuid: EPERM",
      "CapInh setgid, CapPrm all, CapEff all, CapBnd all, CapAmb setgid, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "ambient capabilities are raised in order of their numbers",
    run: sandbox(
      [
        capset({
          permitted: ["setuid"],
          inheritable: ["setuid"],
          ambient: ["setuid", "setgid"],
        }),
      ],
      ["caps"],
    ),
    expect: [
      "capset effective none permitted setuid inheritable setuid ambient setuid,setgid: EPERM",
      "CapInh setuid, CapPrm all, CapEff all, CapBnd all, CapAmb none, NoNewPrivs 0, Seccomp 0",
    ],
  },
  {
    name: "a whiteout in a directory that one layer alone has is listed, though it cannot be found",
    run: sandbox(
      [
        ...dirs("~/l1", "~/l2", "~/l2/d", "~/m"),
        { op: "mknod", path: "~/l2/d/gone", type: "char", major: 0, minor: 0, mode: 0 },
        {
          op: "fsmount",
          fstype: "overlay",
          source: "overlay",
          options: [["lowerdir", "~/l1:~/l2"]],
          attrs: [],
          as: "o",
        },
        attach("o", "~/m"),
      ],
      ["ls", "~/m/d", "+", "stat", "~/m/d/gone"],
    ),
    expect: ["entry ~/m/d gone", "error stat ~/m/d/gone 2"],
    differs: {
      reason:
        "overlayfs passes readdir of an unmerged directory through to its layer; the model never lists a whiteout",
    },
  },
  {
    name: "CAP_CHOWN alone does not give away a set-id file: its bits would have to go",
    run: sandbox(
      [
        file("~/f", "x", 0o2775),
        file("~/plain", "x", 0o775),
        keepCaps(),
        setgid(1000),
        setuid(1000),
        capset({ effective: ["chown"], permitted: ["chown"] }),
        chown("~/f", 0, 0),
        chown("~/plain", 1, 1),
      ],
      ["stat", "~/f", "+", "stat", "~/plain"],
    ),
    expect: [
      "chown ~/f owner 0:0: EPERM",
      "stat ~/f 102775 0:0 0:0 1",
      "stat ~/plain 100775 1:1 0:0 1",
    ],
  },
  {
    name: "memory.swappiness of a group is its parent's at the time it is made",
    run: async (run) => {
      await run.host([
        mkdir("#memory"),
        mkdir("#memory/before"),
        write("#memory/memory.swappiness", "10"),
        mkdir("#memory/after"),
      ]);
      await run.sayFile("#memory/before/memory.swappiness");
      await run.sayFile("#memory/after/memory.swappiness");
    },
    expect: ["#memory/before/memory.swappiness: 60", "#memory/after/memory.swappiness: 10"],
  },
];
