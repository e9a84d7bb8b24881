/** Preferences kept in the browser; storage may be forbidden, then they last as long as the page. */
import { useCallback, useSyncExternalStore } from "react";

const memory = new Map<string, string>();
const listeners = new Set<() => void>();

function read(key: string): string | undefined {
  try {
    return localStorage.getItem(key) ?? memory.get(key);
  } catch {
    return memory.get(key);
  }
}

function write(key: string, value: string): void {
  memory.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage is off or full: memory has it.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** One of `values`; the first is the default and what the server renders. */
export function usePreference<T extends string>(
  name: string,
  values: readonly [T, ...T[]],
): readonly [T, (value: T) => void] {
  const key = `vitrine.${name}`;
  const raw = useSyncExternalStore(
    subscribe,
    () => read(key),
    () => undefined,
  );
  const value = values.find((candidate) => candidate === raw) ?? values[0];
  const set = useCallback((next: T) => write(key, next), [key]);
  return [value, set];
}
