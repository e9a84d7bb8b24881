/** What of users, capabilities and user namespaces the model has; docs are made of it. */
import type { SupportRow } from "../support.ts";

const area = "user namespaces";

export const support: readonly SupportRow[] = [
  {
    area,
    feature: "creation, nesting (33 levels), ownership, capabilities in them",
    level: "full",
    note: "Of the limits per user only user.max_user_namespaces = 0 counts.",
  },
  {
    area,
    feature: "uid_map, gid_map, setgroups: who may write what",
    level: "full",
    note: "No projid_map.",
  },
  {
    area,
    feature: "setresuid, setresgid, setgroups and what they do to capabilities",
    level: "full",
    note: "The file system ids follow the effective ones; there is no setfsuid.",
  },
  {
    area,
    feature: "capability sets: capset, bounding, ambient, file capabilities, execve",
    level: "partial",
    note: "Of the securebits only keep_caps.",
  },
  { area, feature: "no_new_privs, dumpable", level: "full", note: "" },
  { area, feature: "keyrings", level: "none", note: "ENOSYS." },
];
