/**
 * Keys of the page. Single characters work unless the reader turned them off (WCAG 2.1.4) or types
 * into a field; nothing with a modifier is taken from the browser.
 */
import { useEffect, useRef } from "react";

export interface Shortcut {
  /** KeyboardEvent.key values. */
  readonly keys: readonly string[];
  readonly what: string;
  readonly act: () => void;
}

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

export function useShortcuts(shortcuts: readonly Shortcut[], singleKeys: boolean): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (typing(event.target) || document.querySelector("dialog[open]")) return;
      if (!singleKeys && event.key.length === 1) return;
      const shortcut = latest.current.find((candidate) => candidate.keys.includes(event.key));
      if (!shortcut) return;
      event.preventDefault();
      shortcut.act();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [singleKeys]);
}
