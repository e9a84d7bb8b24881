/** A details element that closes like a menu: on Escape, and on a press anywhere else. */
import { type RefObject, useEffect, useRef } from "react";

export function useDismiss(): RefObject<HTMLDetailsElement | null> {
  const menu = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const { current } = menu;
      if (!current?.open) return;
      const inside = event.target instanceof Node && current.contains(event.target);
      const leave = event instanceof KeyboardEvent ? event.key === "Escape" : !inside;
      if (!leave) return;
      // Who leaves with the keyboard is where the menu was opened, not nowhere.
      if (event instanceof KeyboardEvent && inside) current.querySelector("summary")?.focus();
      current.open = false;
    };
    addEventListener("pointerdown", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("keydown", close);
    };
  }, []);
  return menu;
}
