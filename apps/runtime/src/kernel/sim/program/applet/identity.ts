/** id, whoami, groups, hostname, uname, env, printenv, date, tty, stty: who and where a program is. */

import { ptyOf } from "../../fs/pty.ts";
import { isRefusal } from "../../refusal.ts";
import { identity, sethostname } from "../../syscall/credential.ts";
import { enter } from "../../syscall/enter.ts";
import { fileOf, getcwd } from "../../syscall/file.ts";
import { AccountNames } from "../account-names.ts";
import type { AppletTable } from "../applet.ts";
import { formatTime, unixSeconds } from "../calendar.ts";
import { AppletError, type Call, UsageError } from "../call.ts";
import { become } from "../child-program.ts";
import { errnoMessage } from "../errno-message.ts";
import { readFileText } from "../file-text.ts";
import { parseOptions } from "../options.ts";
import { isTerminal, terminalName } from "../terminal.ts";

function id(call: Call): void {
  const options = parseOptions(call.args, "ugGnr");
  const names = new AccountNames(call.self);
  const user = options.operands[0];
  let [uid, euid] = identity(call.self).uid;
  let [gid, egid] = identity(call.self).gid;
  let groups = [...identity(call.self).groups];
  if (user !== undefined) {
    const account = names.users.find((one) => one.name === user);
    if (account === undefined) throw new AppletError(`unknown user ${user}`);
    [uid, euid, gid, egid] = [account.id, account.id, account.gid, account.gid];
    groups = [
      gid,
      ...names.groups
        .filter((group) => group.members.includes(user) && group.id !== gid)
        .map((group) => group.id),
    ];
  }
  const real = options.has("r");
  if (options.has("u") || options.has("g") || options.has("G")) {
    const name = (number: number, kind: "user" | "group"): string =>
      !options.has("n")
        ? String(number)
        : kind === "user"
          ? names.userText(number)
          : names.groupText(number);
    if (options.has("u")) call.print(`${name(real ? uid : euid, "user")}\n`);
    else if (options.has("g")) call.print(`${name(real ? gid : egid, "group")}\n`);
    else
      call.print(
        `${[egid, ...groups.filter((one) => one !== egid)].map((one) => name(one, "group")).join(" ")}\n`,
      );
    return;
  }
  const withName = (number: number, name: string | undefined): string =>
    name === undefined ? String(number) : `${number}(${name})`;
  let text = `uid=${withName(uid, names.user(uid)?.name)} gid=${withName(gid, names.group(gid)?.name)}`;
  if (euid !== uid) text += ` euid=${withName(euid, names.user(euid)?.name)}`;
  if (egid !== gid) text += ` egid=${withName(egid, names.group(egid)?.name)}`;
  if (groups.length > 0)
    text += ` groups=${groups.map((one) => withName(one, names.group(one)?.name)).join(",")}`;
  call.print(`${text}\n`);
}

function whoami(call: Call): void {
  const uid = identity(call.self).uid[1];
  const name = new AccountNames(call.self).user(uid)?.name;
  if (name === undefined) throw new AppletError(`unknown uid ${uid}`);
  call.print(`${name}\n`);
}

function groups(call: Call): void {
  const names = new AccountNames(call.self);
  const { gid, groups: others } = identity(call.self);
  const all = [gid[1], ...others.filter((one) => one !== gid[1])];
  call.print(`${all.map((one) => names.groupText(one)).join(" ")}\n`);
}

/** uname(2): the names are those of the UTS namespace. */
function names(call: Call): { readonly node: string; readonly domain: string } {
  enter(call.self, "uname");
  const { hostname, domainname } = call.self.namespaces.uts;
  return { node: hostname, domain: domainname };
}

function hostname(call: Call): void {
  const options = parseOptions(call.args, "sidfF:");
  const file = options.value("F");
  const name =
    file === undefined ? options.operands[0] : readFileText(call.self, file).split("\n")[0];
  if (name === undefined) {
    const { node, domain } = names(call);
    if (options.has("d")) call.print(domain === "(none)" || domain === "" ? "" : `${domain}\n`);
    else call.print(`${options.has("s") ? node.split(".")[0] : node}\n`);
    return;
  }
  try {
    sethostname(call.self, name);
  } catch (thrown) {
    if (!isRefusal(thrown)) throw thrown;
    call.fail(`sethostname: ${errnoMessage(thrown)}`);
  }
}

function uname(call: Call): void {
  const options = parseOptions(call.args, "snrvmpioa");
  const fields: readonly (readonly [string, string])[] = [
    ["s", "Linux"],
    ["n", names(call).node],
    ["r", call.machine.options.release],
    ["v", "#1 SMP PREEMPT_DYNAMIC"],
    ["m", "x86_64"],
    ["o", "GNU/Linux"],
  ];
  const any =
    "snrvmo".split("").some((letter) => options.has(letter)) ||
    options.has("p") ||
    options.has("i");
  const shown = options.has("a")
    ? fields
    : fields.filter(([letter]) => (any ? options.has(letter) : letter === "s"));
  const more = options.has("p") || options.has("i") ? ["unknown"] : [];
  call.print(
    `${[...shown.map(([, text]) => text), ...(options.has("a") ? [] : more)].join(" ")}\n`,
  );
}

function env(call: Call): void {
  const options = parseOptions(call.args, "+iu:0", { "ignore-environment": "i", unset: "u:" });
  const all = new Map<string, string>();
  const add = (entry: string): void => {
    const equals = entry.indexOf("=");
    all.set(equals < 0 ? entry : entry.slice(0, equals), entry);
  };
  const operands = [...options.operands];
  if (operands[0] === "-") operands.shift();
  if (!options.has("i") && options.operands[0] !== "-")
    for (const entry of call.self.env) add(entry);
  for (const name of options.values("u")) all.delete(name);
  while (operands[0]?.includes("=") === true) add(operands.shift() as string);
  const environment = [...all.values()];
  if (operands.length > 0) become(call, operands, environment);
  for (const entry of environment) call.print(`${entry}${options.has("0") ? "\0" : "\n"}`);
}

function printenv(call: Call): void {
  if (call.args.length === 0) {
    for (const entry of call.self.env) call.print(`${entry}\n`);
    return;
  }
  for (const name of call.args) {
    const entry = call.self.env.find((one) => one.startsWith(`${name}=`));
    if (entry === undefined) call.code = 1;
    else call.print(`${entry.slice(name.length + 1)}\n`);
  }
}

/** "@SECONDS" and "YYYY-MM-DD [hh:mm[:ss]]". */
function parseDate(text: string): bigint {
  if (/^@-?[0-9]+$/.test(text)) return BigInt(text.slice(1)) * 1_000_000_000n;
  const match =
    /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?)?/.exec(text);
  if (match === null) throw new AppletError(`invalid date '${text}'`);
  const part = (index: number): number => Number(match[index] ?? 0);
  return (
    BigInt(unixSeconds(part(1), part(2), part(3), part(4) * 3600 + part(5) * 60 + part(6))) *
    1_000_000_000n
  );
}

function date(call: Call): void {
  const options = parseOptions(call.args, "uRs:d:r:D:I::", { date: "d:", utc: "u" });
  if (options.has("s")) throw new AppletError("can't set date: Operation not permitted");
  const text = options.value("d");
  const now = text === undefined ? call.machine.unixNs() : parseDate(text);
  const [format] = options.operands;
  if (format !== undefined && !format.startsWith("+"))
    throw new AppletError(`invalid date '${format}'`);
  const usual = options.has("R")
    ? "%a, %d %b %Y %H:%M:%S %z"
    : options.has("I")
      ? "%Y-%m-%d"
      : "%a %b %e %H:%M:%S %Z %Y";
  call.print(`${formatTime(format?.slice(1) ?? usual, now)}\n`);
}

function tty(call: Call): number {
  const name = terminalName(call.self, 0);
  if (!parseOptions(call.args, "s").has("s")) call.print(`${name ?? "not a tty"}\n`);
  return name === undefined ? 1 : 0;
}

/** The window of a terminal (ioctl_tty(2), TIOCGWINSZ). */
function stty(call: Call): void {
  enter(call.self, "ioctl", 0, 0x5413);
  if (!isTerminal(call.self, 0))
    throw new AppletError("standard input: Inappropriate ioctl for device");
  const pty = ptyOf(fileOf(call.self, 0));
  const [rows, columns] = [pty?.rows ?? 0, pty?.columns ?? 0];
  if (call.args[0] === "size") call.print(`${rows} ${columns}\n`);
  else if (call.args.length === 0 || call.args[0] === "-a")
    call.print(`speed 38400 baud; rows ${rows}; columns ${columns};\n`);
  else throw new UsageError(`invalid argument '${call.args[0]}'`);
}

function pwd(call: Call): void {
  call.print(`${getcwd(call.self)}\n`);
}

function dmesg(call: Call): void {
  parseOptions(call.args, "cnrs:");
  // syslog(2): who may not, does not; who may finds an empty log.
  enter(call.self, "syslog", 3);
  const privileged = (call.self.credentials.effective & (1n << 34n)) !== 0n;
  if (!privileged || call.self.credentials.userNamespace.parent !== undefined)
    throw new AppletError("klogctl: Operation not permitted");
}

export const identityApplets: AppletTable = {
  id,
  whoami,
  groups,
  hostname,
  uname,
  env,
  printenv,
  date,
  tty,
  stty,
  pwd,
  dmesg,
  clear: (call) => call.print("\x1b[H\x1b[J"),
  sync: (call) => enter(call.self, "sync"),
};
