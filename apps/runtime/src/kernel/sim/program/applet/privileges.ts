/** capsh --print, setpriv, su: privileges shown and given up (capabilities(7), setpriv(1)). */
import { capabilityNames } from "../../../capability.ts";
import {
  capset,
  dropBounding,
  identity,
  setAmbient,
  setgroups,
  setNoNewPrivs,
  setresgid,
  setresuid,
} from "../../syscall/credential.ts";
import { AccountNames } from "../account-names.ts";
import type { AppletTable } from "../applet.ts";
import { AppletError, type Call, UsageError } from "../call.ts";
import { become } from "../child-program.ts";
import { messageOf } from "../errno-message.ts";
import { readFileText } from "../file-text.ts";
import { setUpAccount } from "../login-environment.ts";
import { parseOptions } from "../options.ts";

/** Lines of /proc/self/status by key. */
function statusOf(call: Call): ReadonlyMap<string, string> {
  const lines = readFileText(call.self, "/proc/self/status").split("\n");
  return new Map(
    lines.map((line) => [line.split(":")[0] ?? "", line.slice(line.indexOf("\t") + 1).trim()]),
  );
}

function namesOf(mask: string | undefined): string[] {
  const bits = BigInt(`0x${mask ?? "0"}`);
  return capabilityNames
    .filter((_name, number) => (bits >> BigInt(number)) & 1n)
    .map((name) => name.toLowerCase());
}

/** The text of cap_to_text(3) for what containers have: one clause for what is effective, one for the rest. */
function capabilityText(
  effective: readonly string[],
  permitted: readonly string[],
  inheritable: readonly string[],
): string {
  const clauses = new Map<string, string[]>();
  for (const name of capabilityNames.map((one) => one.toLowerCase())) {
    const flags = `${effective.includes(name) ? "e" : ""}${inheritable.includes(name) ? "i" : ""}${permitted.includes(name) ? "p" : ""}`;
    if (flags === "") continue;
    const clause = clauses.get(flags);
    if (clause === undefined) clauses.set(flags, [name]);
    else clause.push(name);
  }
  return (
    [...clauses]
      .map(
        ([flags, names]) =>
          `${names.length === capabilityNames.length ? "" : names.join(",")}=${flags}`,
      )
      .join(" ") || "="
  );
}

function capsh(call: Call): void {
  if (call.args[0] !== "--print") throw new UsageError();
  const status = statusOf(call);
  const [effective, permitted] = [namesOf(status.get("CapEff")), namesOf(status.get("CapPrm"))];
  const inheritable = namesOf(status.get("CapInh"));
  call.print(`Current: ${capabilityText(effective, permitted, inheritable)}\n`);
  call.print(`Bounding set =${namesOf(status.get("CapBnd")).join(",")}\n`);
  call.print(`Ambient set =${namesOf(status.get("CapAmb")).join(",")}\n`);
  call.print(
    "Securebits: 00/0x0/1'b0\n secure-noroot: no (unlocked)\n secure-no-suid-fixup: no (unlocked)\n secure-keep-caps: no (unlocked)\n secure-no-ambient-raise: no (unlocked)\n",
  );
  const names = new AccountNames(call.self);
  const { uid, gid, groups } = identity(call.self);
  const user = (id: number): string => `${id}(${names.user(id)?.name ?? "???"})`;
  const group = (id: number): string => `${id}(${names.group(id)?.name ?? "???"})`;
  call.print(
    `uid=${user(uid[0])} euid=${user(uid[1])}\ngid=${group(gid[0])}\ngroups=${groups.map(group).join(",")}\n`,
  );
}

function dump(call: Call): void {
  const status = statusOf(call);
  const { uid, gid, groups } = identity(call.self);
  const list = (key: string): string => {
    const names = namesOf(status.get(key)).map((name) => name.slice("cap_".length));
    return names.length === 0 ? "[none]" : names.join(",");
  };
  call.print(`uid: ${uid[0]}\neuid: ${uid[1]}\ngid: ${gid[0]}\negid: ${gid[1]}\n`);
  call.print(`Supplementary groups: ${groups.length === 0 ? "[none]" : groups.join(",")}\n`);
  call.print(`no_new_privs: ${status.get("NoNewPrivs") ?? "0"}\n`);
  call.print(
    `Inheritable capabilities: ${list("CapInh")}\nAmbient capabilities: ${list("CapAmb")}\nCapability bounding set: ${list("CapBnd")}\n`,
  );
}

/** "-all", "+net_admin,-chown" applied to a set of capabilities. */
function changed(set: readonly string[], text: string): string[] {
  let result = new Set(set);
  for (const word of text.split(",")) {
    const name = word.slice(1).toLowerCase();
    if (!/^[-+]/.test(word)) throw new AppletError(`bad capability string`);
    if (name === "all") result = new Set(word.startsWith("+") ? capabilityNames : []);
    else {
      const known = capabilityNames.find(
        (one) => one.toLowerCase() === `cap_${name.replace(/^cap_/, "")}`,
      );
      if (known === undefined) throw new AppletError(`unknown capability "${name}"`);
      if (word.startsWith("+")) result.add(known);
      else result.delete(known);
    }
  }
  return [...result];
}

function upper(names: readonly string[]): string[] {
  return names.map((name) => name.toUpperCase());
}

function setpriv(call: Call): void {
  const options = parseOptions(call.args, "+d", {
    dump: "d",
    "no-new-privs": "nnp",
    nnp: "nnp",
    reuid: "reuid:",
    regid: "regid:",
    "clear-groups": "clear-groups",
    groups: "groups:",
    "inh-caps": "inh:",
    "ambient-caps": "ambient:",
    "bounding-set": "bounding:",
  });
  if (options.has("d")) {
    dump(call);
    return;
  }
  const { self } = call;
  const status = statusOf(call);
  try {
    if (options.has("nnp")) setNoNewPrivs(self);
    const bounding = options.value("bounding");
    if (bounding !== undefined) {
      const kept = changed(upper(namesOf(status.get("CapBnd"))), bounding);
      for (const name of upper(namesOf(status.get("CapBnd"))))
        if (!kept.includes(name)) dropBounding(self, name);
    }
    const inheritable = options.value("inh");
    if (inheritable !== undefined)
      capset(self, {
        effective: upper(namesOf(status.get("CapEff"))),
        permitted: upper(namesOf(status.get("CapPrm"))),
        inheritable: changed(upper(namesOf(status.get("CapInh"))), inheritable),
      });
    const gid = options.value("regid");
    if (gid !== undefined) setresgid(self, Number(gid), Number(gid), Number(gid));
    if (options.has("clear-groups")) setgroups(self, []);
    const groups = options.value("groups");
    if (groups !== undefined) setgroups(self, groups.split(",").map(Number));
    const uid = options.value("reuid");
    if (uid !== undefined) setresuid(self, Number(uid), Number(uid), Number(uid));
    const ambient = options.value("ambient");
    if (ambient !== undefined)
      setAmbient(self, changed(upper(namesOf(status.get("CapAmb"))), ambient));
  } catch (thrown) {
    if (thrown instanceof AppletError) throw thrown;
    throw new AppletError(messageOf(thrown));
  }
  if (options.operands.length === 0) throw new UsageError();
  become(call, options.operands);
}

function su(call: Call): void {
  const options = parseOptions(
    call.args.map((arg) => (arg === "-" ? "-l" : arg)),
    "lmpc:s:",
  );
  const names = new AccountNames(call.self);
  const user = options.operands[0] ?? "root";
  const account = names.users.find((one) => one.name === user);
  if (account === undefined) throw new AppletError(`unknown user ${user}`);
  if (identity(call.self).uid[1] !== 0) throw new AppletError("must be suid to work properly");
  const groups = names.groups
    .filter((group) => group.members.includes(user))
    .map((group) => group.id);
  try {
    setgroups(call.self, [account.gid, ...groups]);
    setresgid(call.self, account.gid, account.gid, account.gid);
    setresuid(call.self, account.id, account.id, account.id);
  } catch (thrown) {
    throw new AppletError(`setgid: ${messageOf(thrown)}`);
  }
  const shell = options.value("s") ?? account.shell;
  const command = options.value("c");
  const env = setUpAccount(call, account, options.has("l"));
  const name = options.has("l") ? `-${shell.split("/").at(-1)}` : (shell.split("/").at(-1) ?? "sh");
  const words = command === undefined ? [] : ["-c", command];
  become(call, [shell, ...words], env, name);
}

export const privilegeApplets: AppletTable = { capsh, setpriv, su };
