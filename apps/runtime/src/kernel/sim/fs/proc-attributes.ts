/** /proc/PID/attr: the AppArmor profile a process is confined by, and the one for its next execve (apparmor(7)). */
import { currentLabel, setExecProfile } from "../process/apparmor.ts";
import type { Process } from "../process/process.ts";
import { refuse } from "../refusal.ts";
import { ownerOf } from "./proc-subject.ts";
import { type FileRow, type PseudoEntry, RowEntry } from "./pseudo-entry.ts";

function isEnabled(process: Process): boolean {
  return process.machine.confine !== undefined;
}

/** Without AppArmor every security module's file answers EINVAL. */
function whenEnabled(process: Process, text: () => string): string {
  return isEnabled(process) ? text() : refuse("EINVAL");
}

function onExecText({ apparmorOnExec }: Process): string {
  return apparmorOnExec === undefined ? "\n" : `${apparmorOnExec} (enforce)\n`;
}

/** "exec PROFILE": the profile for the next execve. EACCES for anybody but the process itself. */
function setOnExec(process: Process, text: string, writer: Process): void {
  if (writer !== process) refuse("EACCES");
  if (!isEnabled(process)) refuse("EINVAL");
  setExecProfile(process, text);
}

const rows = new Map<string, FileRow<Process>>([
  [
    "current",
    {
      mode: 0o666,
      text: (process) => whenEnabled(process, () => currentLabel(process)),
      write: () => refuse("EINVAL"),
    },
  ],
  [
    "exec",
    {
      mode: 0o666,
      text: (process) => whenEnabled(process, () => onExecText(process)),
      write: setOnExec,
    },
  ],
  ["prev", { mode: 0o444, text: (process) => whenEnabled(process, () => "\n") }],
]);
const names = [...rows.keys()];

/** attr; attr/apparmor, which has the same files, is there only with AppArmor. */
export function attributeDirectory(process: Process): PseudoEntry {
  return {
    ...profileDirectory(process),
    child: (name) => {
      if (name === "apparmor" && isEnabled(process)) return profileDirectory(process);
      return profileFile(process, name);
    },
    names: () => (isEnabled(process) ? ["apparmor", ...names] : names),
  };
}

function profileDirectory(process: Process): PseudoEntry {
  return {
    type: "directory",
    mode: 0o555,
    subject: process,
    owner: () => ownerOf(process),
    child: (name) => profileFile(process, name),
    names: () => names,
  };
}

function profileFile(process: Process, name: string): PseudoEntry | undefined {
  const row = rows.get(name);
  return row === undefined ? undefined : new RowEntry(row, process, ownerOf(process));
}
