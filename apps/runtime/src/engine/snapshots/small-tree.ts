/** Whether a tree is small enough to be removed without making anybody wait. */
import type { HostFiles } from "../../kernel/kernel.ts";

const entriesMax = 256;

/** Looks at no more than a few hundred entries. Nothing there is small; what cannot be read is not. */
export async function isSmallTree(files: HostFiles, path: string): Promise<boolean> {
  const directories = [path];
  let entries = 0;
  for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
    const directory = next;
    try {
      const names = (await files.list(directory)) ?? [];
      entries += names.length;
      if (entries > entriesMax) return false;
      for (const name of names) {
        const stat = await files.stat(`${directory}/${name}`);
        if (stat?.type === "directory") directories.push(`${directory}/${name}`);
      }
    } catch {
      return false;
    }
  }
  return true;
}
