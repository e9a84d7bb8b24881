/** Watching a directory with inotify(7); one that is not there yet is waited for. */
import { existsSync, type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

/** Calls `changed` after each burst of changes below `path` until `signal` aborts. */
export function watchDirectory(path: string, changed: () => void, signal: AbortSignal): void {
  let watcher: FSWatcher | undefined;
  let pending: NodeJS.Timeout | undefined;
  const settleMs = 20;

  function later(): void {
    pending ??= setTimeout(() => {
      pending = undefined;
      if (signal.aborted) return;
      follow();
      changed();
    }, settleMs);
    pending.unref();
  }

  /** Watches the directory itself, or the nearest parent that exists. */
  function follow(): void {
    watcher?.close();
    let target = path;
    while (!existsSync(target) && target !== dirname(target)) target = dirname(target);
    try {
      watcher = watch(target, { persistent: false }, later);
      watcher.on("error", later);
    } catch {
      later();
    }
  }

  follow();
  signal.addEventListener("abort", () => {
    clearTimeout(pending);
    watcher?.close();
  });
}
