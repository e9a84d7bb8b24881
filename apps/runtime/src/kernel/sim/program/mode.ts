/** Permission bits as words: "u+rwx,go=" for chmod and umask, "-rwxr-xr-x" for ls and stat. */
import { S_ISGID, S_ISUID, S_ISVTX } from "../abi.ts";
import type { FileType } from "../vfs/inode.ts";

const letters: Readonly<Record<string, number>> = { r: 0o444, w: 0o222, x: 0o111 };
const whoMasks: Readonly<Record<string, number>> = {
  u: 0o4700,
  g: 0o2070,
  o: 0o1007,
  a: 0o7777,
};

/** The new mode, by the rules of chmod(1); undefined when `text` is no mode. */
export function parseMode(
  text: string,
  current: number,
  isDirectory: boolean,
  umask: number,
): number | undefined {
  if (/^[0-7]{1,4}$/.test(text)) return Number.parseInt(text, 8);
  let mode = current;
  for (const clause of text.split(",")) {
    const match = /^([ugoa]*)((?:[-+=][rwxXst]*|[-+=][ugo])+)$/.exec(clause);
    if (match === null) return undefined;
    const who = match[1] as string;
    let mask = 0;
    for (const one of who) mask |= whoMasks[one] as number;
    if (who === "") mask = 0o7777 & ~umask;
    for (const action of (match[2] as string).match(/[-+=][^-+=]*/g) ?? []) {
      const bits = permissionBits(action.slice(1), mode, isDirectory) & mask;
      if (action[0] === "+") mode |= bits;
      else if (action[0] === "-") mode &= ~bits;
      else mode = (mode & ~(who === "" ? 0o777 : mask & 0o777)) | bits;
    }
  }
  return mode;
}

function permissionBits(text: string, mode: number, isDirectory: boolean): number {
  let bits = 0;
  for (const letter of text) {
    if (letter === "u") bits |= ((mode >> 6) & 7) * 0o111;
    else if (letter === "g") bits |= ((mode >> 3) & 7) * 0o111;
    else if (letter === "o") bits |= (mode & 7) * 0o111;
    else if (letter === "s") bits |= S_ISUID | S_ISGID;
    else if (letter === "t") bits |= S_ISVTX;
    else if (letter === "X") bits |= isDirectory || (mode & 0o111) !== 0 ? 0o111 : 0;
    else bits |= letters[letter] ?? 0;
  }
  return bits;
}

const typeLetters: Readonly<Record<FileType, string>> = {
  file: "-",
  directory: "d",
  symlink: "l",
  char: "c",
  block: "b",
  fifo: "p",
  socket: "s",
};

/** "drwxrwxrwt". */
export function modeText(type: FileType, mode: number): string {
  const triple = (shift: number, special: number, letter: string): string => {
    const bits = (mode >> shift) & 7;
    const execute = (bits & 1) !== 0;
    const last = special === 0 ? (execute ? "x" : "-") : execute ? letter : letter.toUpperCase();
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
  };
  return (
    typeLetters[type] +
    triple(6, mode & S_ISUID, "s") +
    triple(3, mode & S_ISGID, "s") +
    triple(0, mode & S_ISVTX, "t")
  );
}
