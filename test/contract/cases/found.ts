/** Disagreements that generated cases found, shrunk, with what Linux says. */
import { type ContractCase, sandbox } from "../contract-case.ts";
import { capset } from "../op-words.ts";

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
];
