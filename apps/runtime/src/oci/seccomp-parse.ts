/** A Localhost profile: JSON in the shape of linux.seccomp of the OCI runtime spec, checked entry by entry. */
import { RuntimeError, type SeccompProfile } from "../kernel/index.ts";

const actions = ["KILL", "KILL_PROCESS", "KILL_THREAD", "TRAP", "ERRNO", "TRACE", "ALLOW", "LOG"];
const comparisons = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"];
const flags = ["TSYNC", "LOG", "SPEC_ALLOW"];
const architectures = ["X86", "X86_64", "X32", "ARM", "AARCH64", "MIPS", "MIPS64", "MIPS64N32"]
  .concat(["MIPSEL", "MIPSEL64", "MIPSEL64N32", "PPC", "PPC64", "PPC64LE", "S390", "S390X"])
  .concat(["PARISC", "PARISC64", "RISCV64", "LOONGARCH64", "M68K", "SH", "SHEB"]);
const errnoMax = 4095;

type Fields = Readonly<Record<string, unknown>>;
type Rule = NonNullable<SeccompProfile["syscalls"]>[number];
type Argument = NonNullable<Rule["args"]>[number];

/** INVALID_ARGUMENT names the broken entry. Notifications to an agent are not supported. */
export function parseSeccompProfile(json: string): SeccompProfile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new RuntimeError("INVALID_ARGUMENT", "seccomp profile: it is not JSON", { cause: error });
  }
  const profile = fieldsOf(parsed, "it");
  if (profile["listenerPath"] !== undefined) {
    throw broken("listenerPath", "notification is not supported");
  }
  const rules = listOf(profile["syscalls"], "syscalls");
  return {
    defaultAction: named(profile["defaultAction"], "SCMP_ACT_", actions, "defaultAction"),
    ...errnoOf(profile["defaultErrnoRet"], "defaultErrnoRet", "defaultErrnoRet"),
    ...namesOf(profile["architectures"], "SCMP_ARCH_", architectures, "architectures"),
    ...namesOf(profile["flags"], "SECCOMP_FILTER_FLAG_", flags, "flags"),
    syscalls: rules.map((rule, index) => parseRule(rule, `syscalls[${index}]`)),
  };
}

function parseRule(value: unknown, where: string): Rule {
  const rule = fieldsOf(value, where);
  const names = listOf(rule["names"], `${where}.names`);
  if (names.length === 0) throw broken(`${where}.names`, "is empty");
  const args = listOf(rule["args"], `${where}.args`);
  if (args.length > 6)
    throw broken(`${where}.args`, "has more entries than a system call arguments");
  return {
    names: names.map((name, index) => {
      if (typeof name === "string" && /^[a-z0-9_]{1,64}$/.test(name)) return name;
      throw broken(`${where}.names[${index}]`, "is no name of a system call");
    }),
    action: named(rule["action"], "SCMP_ACT_", actions, `${where}.action`),
    ...errnoOf(rule["errnoRet"], "errnoRet", `${where}.errnoRet`),
    ...(args.length === 0
      ? {}
      : { args: args.map((one, index) => parseArgument(one, `${where}.args[${index}]`)) }),
  };
}

function parseArgument(value: unknown, where: string): Argument {
  const argument = fieldsOf(value, where);
  return {
    index: wholeNumber(argument["index"], 5, `${where}.index`),
    value: wholeNumber(argument["value"], Number.MAX_SAFE_INTEGER, `${where}.value`),
    ...(argument["valueTwo"] === undefined
      ? {}
      : {
          valueTwo: wholeNumber(argument["valueTwo"], Number.MAX_SAFE_INTEGER, `${where}.valueTwo`),
        }),
    op: named(argument["op"], "SCMP_CMP_", comparisons, `${where}.op`),
  };
}

function named(value: unknown, prefix: string, known: readonly string[], where: string): string {
  if (typeof value === "string" && value.startsWith(prefix)) {
    if (known.includes(value.slice(prefix.length))) return value;
  }
  throw broken(where, `${JSON.stringify(value) ?? "nothing"} is not known`);
}

function namesOf(
  value: unknown,
  prefix: string,
  known: readonly string[],
  where: "architectures" | "flags",
): Partial<SeccompProfile> {
  const list = listOf(value, where);
  if (list.length === 0) return {};
  return { [where]: list.map((one, index) => named(one, prefix, known, `${where}[${index}]`)) };
}

function errnoOf<Key extends string>(
  value: unknown,
  key: Key,
  where: string,
): { readonly [Field in Key]?: number } {
  if (value === undefined || value === null) return {};
  return { [key]: wholeNumber(value, errnoMax, where) } as { readonly [Field in Key]?: number };
}

function wholeNumber(value: unknown, most: number, where: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most) {
    return value;
  }
  throw broken(where, `${JSON.stringify(value) ?? "nothing"} is not a number from 0 to ${most}`);
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw broken(where, "is not a list");
}

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw broken(where, "is not an object");
}

function broken(where: string, what: string): RuntimeError {
  return new RuntimeError("INVALID_ARGUMENT", `seccomp profile: ${where} ${what}`);
}
