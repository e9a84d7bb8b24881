/**
 * AppArmor as far as paths go: which profiles are loaded, which one a process is under, and what that refuses
 * (apparmor(7), apparmor.d(5)). Profiles are data; `apparmor-profiles.ts` has those a host loads by itself.
 */
import type { Machine } from "../machine.ts";
import { refuse } from "../refusal.ts";
import { type ApparmorProfile, hostProfiles } from "./apparmor-profiles.ts";
import { matchesGlob } from "./path-glob.ts";
import type { Process } from "./process.ts";

const loaded = new WeakMap<Machine, Map<string, ApparmorProfile>>();

function profilesOf(machine: Machine): Map<string, ApparmorProfile> {
  let found = loaded.get(machine);
  if (found === undefined) {
    found = new Map(hostProfiles.map((profile) => [profile.name, profile]));
    loaded.set(machine, found);
  }
  return found;
}

/** Loads a profile, as apparmor_parser(8) does; one of the same name is replaced. */
export function loadProfile(machine: Machine, profile: ApparmorProfile): void {
  profilesOf(machine).set(profile.name, profile);
}

/** /sys/kernel/security/apparmor/profiles: "name (enforce)" a line. */
export function loadedProfilesText(machine: Machine): string {
  const lines = [...profilesOf(machine).keys()].map((name) => `${name} (enforce)\n`);
  return lines.join("");
}

/** /proc/PID/attr/apparmor/current. */
export function currentLabel(process: Process): string {
  return process.apparmor === "unconfined" ? "unconfined\n" : `${process.apparmor} (enforce)\n`;
}

/**
 * A write to /proc/self/attr/apparmor/exec: "exec NAME". EINVAL for another command, ENOENT for a profile that is
 * not loaded, EACCES for a process that is confined itself.
 */
export function setExecProfile(process: Process, text: string): void {
  const command = text.replace(/\n$/, "");
  if (!command.startsWith("exec ")) refuse("EINVAL");
  const name = command.slice("exec ".length);
  if (name === "") refuse("EINVAL");
  if (name !== "unconfined" && !profilesOf(process.machine).has(name)) refuse("ENOENT");
  if (process.apparmor !== "unconfined" && process.apparmor !== name) refuse("EACCES");
  process.apparmorOnExec = name;
}

/** The profile after execve: the one asked for, else the same. */
export function profileAfterExec(process: Process): string {
  return process.apparmorOnExec ?? process.apparmor;
}

/** Whether the rules grant each letter of `access` for `path`. A deny wins over every allow. */
function grants(profile: ApparmorProfile, path: string, access: string): boolean {
  for (const letter of access) {
    let allowed = false;
    for (const rule of profile.files) {
      if (!rule.access.includes(letter) || !matchesGlob(rule.path, path)) continue;
      if (rule.deny === true) return false;
      allowed = true;
    }
    if (!allowed) return false;
  }
  return true;
}

function profileOf(process: Process): ApparmorProfile | undefined {
  if (process.apparmor === "unconfined") return undefined;
  return profilesOf(process.machine).get(process.apparmor);
}

/** EACCES when the profile in force does not let it execute `path`. */
export function checkExecute(process: Process, path: string): void {
  const profile = profileOf(process);
  if (profile !== undefined && !grants(profile, path, "x")) refuse("EACCES", "apparmor");
}

/** `machine.confine`: see there. */
export function confine(
  process: Process,
  operation: "open" | "mount" | "umount" | "pivotRoot",
  path: string,
  access: string,
): void {
  const profile = profileOf(process);
  if (profile === undefined) return;
  const allowed =
    operation === "open" ? grants(profile, path, access) : profile.operations.includes(operation);
  if (allowed) return;
  const { machine } = process;
  machine.observe?.({
    atNs: machine.scheduler.nowNs,
    pid: process.pid,
    name: "apparmor",
    detail: `${profile.name} denies ${operation} ${path} ${access}`.trimEnd(),
    errno: 13,
  });
  refuse("EACCES", "apparmor");
}
