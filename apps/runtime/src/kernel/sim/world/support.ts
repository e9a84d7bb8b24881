/** What of the world around the engine the model has. */
import type { SupportRow } from "../support.ts";

export const support: readonly SupportRow[] = [
  {
    area: "world",
    feature: "records that outlive the daemon, transactions that a crash takes back",
    level: "full",
    note: "no file at records.db: a damaged or missing database cannot be shown",
  },
  {
    area: "world",
    feature: "programs of the host (CNI plugins): session, stdin, bounded output, timeout, abort",
    level: "full",
    note: "",
  },
  {
    area: "world",
    feature: "disk usage of a tree",
    level: "partial",
    note: "whole pages of 4096 bytes for each file and directory, no metadata",
  },
  {
    area: "world",
    feature: "watching a directory",
    level: "partial",
    note: "looked at between turns of the machine: two changes at one moment are told once",
  },
  {
    area: "world",
    feature: "several CPUs",
    level: "none",
    note: "one task at a time; a CPU limit throttles, but nothing runs in parallel in virtual time",
  },
];
