/** clone3(2) behind its door: a child in new namespaces, the user namespace first. */
import { checkJoin } from "../cgroup/membership.ts";
import { refuse } from "../refusal.ts";
import type { CloneHow } from "../syscall/process.ts";
import { newUserNamespace } from "../user/new-user-namespace.ts";
import { bear, bornNamespaces, checkMayFork, plainBirth } from "./birth.ts";
import { startLife } from "./life.ts";
import { makeNamespaces } from "./new-namespaces.ts";
import type { Process } from "./process.ts";

/** Makes the child and puts it under the scheduler. Order of checks as in copy_process(). */
export function cloneProcess(caller: Process, how: CloneHow): Process {
  const { namespaces: types } = how;
  const siblings = how.siblings === true;
  // Nobody becomes the sibling of an init: its death would leave it without a namespace.
  if (siblings && caller.namespaces.pid.init === caller) refuse("EINVAL");
  const plain = plainBirth(caller);
  const credentials = types.includes("user") ? newUserNamespace(caller) : caller.credentials;
  checkMayFork(caller, how.cgroup);
  if (how.cgroup !== undefined) checkJoin(how.cgroup);
  const made = makeNamespaces(caller, types, credentials);
  const child = bear(caller, {
    parent: siblings ? caller.parent : caller,
    credentials,
    namespaces: made === undefined ? plain.namespaces : bornNamespaces(made.namespaces),
    root: made?.root ?? plain.root,
    cwd: made?.cwd ?? plain.cwd,
    cgroup: how.cgroup,
  });
  startLife(child, how.body);
  return child;
}
