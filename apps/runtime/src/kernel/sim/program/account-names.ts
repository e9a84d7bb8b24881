/** Names of users and groups, from /etc/passwd and /etc/group as the caller sees them (getpwuid(3)). */
import type { Process } from "../process/process.ts";
import { tryFileText } from "./file-text.ts";

export interface Account {
  readonly name: string;
  readonly id: number;
  /** Group of a user. */
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  /** Members of a group. */
  readonly members: readonly string[];
}

function parse(text: string, group: boolean): Account[] {
  const accounts: Account[] = [];
  for (const line of text.split("\n")) {
    const fields = line.split(":");
    if (fields.length < 3 || !/^[0-9]+$/.test(fields[2] as string)) continue;
    accounts.push({
      name: fields[0] as string,
      id: Number(fields[2]),
      gid: group ? Number(fields[2]) : Number(fields[3] ?? 0),
      home: group ? "" : (fields[5] ?? "/"),
      shell: group ? "" : (fields[6] ?? "/bin/sh"),
      members: group ? (fields[3] ?? "").split(",").filter((name) => name !== "") : [],
    });
  }
  return accounts;
}

export class AccountNames {
  readonly users: readonly Account[];
  readonly groups: readonly Account[];

  constructor(self: Process) {
    this.users = parse(tryFileText(self, "/etc/passwd") ?? "", false);
    this.groups = parse(tryFileText(self, "/etc/group") ?? "", true);
  }

  user(id: number): Account | undefined {
    return this.users.find((account) => account.id === id);
  }

  group(id: number): Account | undefined {
    return this.groups.find((account) => account.id === id);
  }

  userText(id: number): string {
    return this.user(id)?.name ?? String(id);
  }

  groupText(id: number): string {
    return this.group(id)?.name ?? String(id);
  }

  /** Id of a name or a number; undefined for what is neither. */
  userId(text: string): number | undefined {
    const named = this.users.find((account) => account.name === text);
    return named?.id ?? (/^[0-9]+$/.test(text) ? Number(text) : undefined);
  }

  groupId(text: string): number | undefined {
    const named = this.groups.find((account) => account.name === text);
    return named?.id ?? (/^[0-9]+$/.test(text) ? Number(text) : undefined);
  }
}
