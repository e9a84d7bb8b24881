/**
 * The built files of the page, all read into memory before the server gives up root. No request ever
 * turns into a file path: what is not in the map does not exist. It also means that the server works
 * in a checkout that its unprivileged user cannot read.
 */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";

export interface StaticFile {
  readonly body: Buffer;
  readonly type: string;
}

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

/** Files below `.next/static` of a production build, by URL path. */
export function readStaticFiles(webDirectory: string): ReadonlyMap<string, StaticFile> {
  const root = join(webDirectory, ".next/static");
  const files = new Map<string, StaticFile>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name.endsWith(".map")) continue;
    const path = join(entry.parentPath, entry.name);
    const url = relative(root, path).split(sep).map(encodeURIComponent).join("/");
    files.set(`/_next/static/${url}`, {
      body: readFileSync(path),
      type: types[extname(entry.name)] ?? "application/octet-stream",
    });
  }
  return files;
}

/** The file's text as a response body; undefined when it is not there or larger than `bytesMax`. */
export function readOptionalFile(path: string, bytesMax: number): StaticFile | undefined {
  try {
    const body = readFileSync(path);
    return body.length > bytesMax ? undefined : { body, type: "application/x-ndjson" };
  } catch {
    return undefined;
  }
}
