/** unshare(2) behind its door. New pid and time namespaces are for the children only. */
import type { NamespaceType } from "../../op.ts";
import { commitCredentials } from "../user/commit-credentials.ts";
import { newUserNamespace } from "../user/new-user-namespace.ts";
import { makeNamespaces } from "./new-namespaces.ts";
import type { Process } from "./process.ts";

export function unshareNamespaces(caller: Process, types: readonly NamespaceType[]): void {
  const before = caller.credentials;
  const credentials = types.includes("user") ? newUserNamespace(caller) : before;
  const made = makeNamespaces(caller, types, credentials);
  if (made !== undefined) {
    caller.root = made.root;
    caller.cwd = made.cwd;
    caller.namespaces = made.namespaces;
  }
  if (credentials !== before) commitCredentials(caller, credentials);
}
