/** Absolute paths as text, before any file system is asked. */
import { RuntimeError } from "../kernel/index.ts";

/**
 * The path without "." and "..", doubled and trailing slashes. ".." above the root stays at the root,
 * as in a container. INVALID_ARGUMENT for a relative path, a NUL or a line break.
 */
export function cleanPath(path: string, what: string): string {
  if (!path.startsWith("/")) {
    throw new RuntimeError("INVALID_ARGUMENT", `${what} ${JSON.stringify(path)} is not absolute`);
  }
  if (/[\0\n]/.test(path) || path.length > 4096) {
    throw new RuntimeError("INVALID_ARGUMENT", `${what} ${JSON.stringify(path)} is not a path`);
  }
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** Whether `path` is `directory` or lies below it; both clean. */
export function isBelow(path: string, directory: string): boolean {
  if (directory === "/") return true;
  return path === directory || path.startsWith(`${directory}/`);
}

/** How many components a clean path has: 0 for the root. */
export function depthOf(path: string): number {
  return path === "/" ? 0 : path.split("/").length - 1;
}

/** The directory a clean path lies in. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
