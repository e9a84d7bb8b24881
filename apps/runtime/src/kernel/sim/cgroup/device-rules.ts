/**
 * Device rules of cgroup v1 (cgroup-v1/devices.rst): a default, and exceptions to it. A node without rules of
 * its own has its parent's; what a parent loses, its children lose.
 */
import type { FileTable } from "../fs/pseudo-entry.ts";
import { refuse } from "../refusal.ts";
import type { CgroupNode } from "./hierarchy.ts";

export interface DeviceRule {
  readonly type: "b" | "c";
  /** undefined is "*". */
  readonly major: number | undefined;
  readonly minor: number | undefined;
  /** Letters of "rwm". */
  readonly access: string;
}

export interface DeviceAccess {
  readonly allow: boolean;
  readonly exceptions: readonly DeviceRule[];
}

const everything: DeviceAccess = { allow: true, exceptions: [] };
const nothing: DeviceAccess = { allow: false, exceptions: [] };

/** The rules in force at `node`. */
export function deviceAccess(node: CgroupNode): DeviceAccess {
  for (let at: CgroupNode | undefined = node; at !== undefined; at = at.parent)
    if (at.devices !== undefined) return at.devices;
  return everything;
}

function covers(rule: DeviceRule, asked: DeviceRule): boolean {
  return (
    rule.type === asked.type &&
    (rule.major === undefined || rule.major === asked.major) &&
    (rule.minor === undefined || rule.minor === asked.minor)
  );
}

/** True when all of `asked` is allowed: an exception must grant every access, and one that forbids any of them forbids. */
export function allowsDevice({ allow, exceptions }: DeviceAccess, asked: DeviceRule): boolean {
  const wanted = [...asked.access];
  if (allow)
    return !exceptions.some(
      (rule) => covers(rule, asked) && wanted.some((letter) => rule.access.includes(letter)),
    );
  return exceptions.some(
    (rule) => covers(rule, asked) && wanted.every((letter) => rule.access.includes(letter)),
  );
}

function sameDevices(a: DeviceRule, b: DeviceRule): boolean {
  return a.type === b.type && a.major === b.major && a.minor === b.minor;
}

function ordered(access: string): string {
  return [..."rwm"].filter((letter) => access.includes(letter)).join("");
}

function added(rules: readonly DeviceRule[], rule: DeviceRule): readonly DeviceRule[] {
  const index = rules.findIndex((one) => sameDevices(one, rule));
  const known = rules[index];
  if (known === undefined) return [...rules, { ...rule, access: ordered(rule.access) }];
  return rules.with(index, { ...known, access: ordered(known.access + rule.access) });
}

function removed(rules: readonly DeviceRule[], rule: DeviceRule): readonly DeviceRule[] {
  return rules.flatMap((one) => {
    if (!sameDevices(one, rule)) return [one];
    const access = [...one.access].filter((letter) => !rule.access.includes(letter)).join("");
    return access === "" ? [] : [{ ...one, access }];
  });
}

function writtenNumber(text: string | undefined): number | undefined {
  if (text === "*") return undefined;
  const value = /^[0-9]{1,10}$/.test(text ?? "") ? Number(text) : Number.NaN;
  return value <= 0xffff_ffff ? value : refuse("EINVAL");
}

/** "c 1:3 rwm"; "a" and what follows it is everything. */
function writtenRule(text: string): DeviceRule | "all" {
  const trimmed = text.trim();
  if (trimmed.startsWith("a")) return "all";
  const match = /^([bc]) ([0-9*]+):([0-9*]+) ([rwm]{1,3})/.exec(trimmed);
  if (match === null) return refuse("EINVAL");
  const [, type, major, minor, access] = match;
  return {
    type: type as "b" | "c",
    major: writtenNumber(major),
    minor: writtenNumber(minor),
    access: access as string,
  };
}

/** A parent that forbids by default must itself allow what a child is to get. */
function parentAllows(node: CgroupNode, rule: DeviceRule): boolean {
  if (node.parent === undefined) return true;
  const above = deviceAccess(node.parent);
  if (above.allow)
    // Even a part that is forbidden above cannot be given back below.
    return !above.exceptions.some(
      (one) =>
        one.type === rule.type &&
        (one.major === undefined || rule.major === undefined || one.major === rule.major) &&
        (one.minor === undefined || rule.minor === undefined || one.minor === rule.minor) &&
        [...one.access].some((letter) => rule.access.includes(letter)),
    );
  return allowsDevice(above, rule);
}

function allowAll(node: CgroupNode): void {
  if (node.children.size > 0) refuse("EINVAL");
  const above = node.parent === undefined ? everything : deviceAccess(node.parent);
  if (!above.allow) refuse("EPERM");
  node.devices = above;
}

function allow(node: CgroupNode, text: string): void {
  const rule = writtenRule(text);
  if (rule === "all") {
    allowAll(node);
    return;
  }
  if (!parentAllows(node, rule)) refuse("EPERM");
  const own = deviceAccess(node);
  keepForChildren(node);
  node.devices = {
    allow: own.allow,
    exceptions: (own.allow ? removed : added)(own.exceptions, rule),
  };
}

function deny(node: CgroupNode, text: string): void {
  const rule = writtenRule(text);
  if (rule === "all") {
    if (node.children.size > 0) refuse("EINVAL");
    node.devices = nothing;
    return;
  }
  for (const below of node.tree()) {
    const own = deviceAccess(below);
    if (below !== node && below.devices === undefined) continue;
    const exceptions = (own.allow ? added : removed)(own.exceptions, rule);
    const still = below === node || own.allow ? exceptions : allowedAbove(below, exceptions);
    below.devices = { allow: own.allow, exceptions: still };
  }
}

/** What a child was given and its parent no longer has goes. */
function allowedAbove(node: CgroupNode, rules: readonly DeviceRule[]): readonly DeviceRule[] {
  return rules.filter((rule) => parentAllows(node, rule));
}

/** What a node is given later is not its children's: they had the rules as they were when they were made. */
function keepForChildren(node: CgroupNode): void {
  const now = deviceAccess(node);
  for (const child of node.children.values()) child.devices ??= now;
}

function number(value: number | undefined): string {
  return value === undefined ? "*" : `${value}`;
}

function listText(node: CgroupNode): string {
  const access = deviceAccess(node);
  if (access.allow) return "a *:* rwm\n";
  return access.exceptions
    .map((rule) => `${rule.type} ${number(rule.major)}:${number(rule.minor)} ${rule.access}\n`)
    .join("");
}

export const deviceFiles: FileTable<CgroupNode> = new Map([
  ["devices.allow", { mode: 0o200, write: allow }],
  ["devices.deny", { mode: 0o200, write: deny }],
  ["devices.list", { mode: 0o444, text: listText }],
]);
