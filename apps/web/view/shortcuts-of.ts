/** The keyboard map of the page. */
import type { Level } from "@vitrine/runtime/trace";
import type { Desk } from "./use-desk.ts";
import type { Shortcut } from "./use-shortcuts.ts";

export function shortcutsOf(desk: Desk, openHelp: () => void): Shortcut[] {
  const { level, setLevel } = desk;
  const turn = (by: number) => setLevel(Math.max(0, Math.min(3, level + by)) as Level);
  return [
    { keys: ["["], what: "fold: one level up", act: () => turn(-1) },
    { keys: ["]"], what: "unfold: one level down", act: () => turn(1) },
    { keys: ["."], what: "next step", act: () => desk.go(1) },
    { keys: [","], what: "previous step", act: () => desk.go(-1) },
    { keys: ["/"], what: "search", act: () => desk.search.current?.focus() },
    { keys: ["f"], what: "follow the newest arrow", act: () => desk.setFollow(!desk.follow) },
    { keys: ["o"], what: "open a recording", act: () => desk.picker.current?.click() },
    { keys: ["c"], what: "copy the diagram as Mermaid", act: desk.copyMermaid },
    { keys: ["t"], what: "theme: system, light, dark", act: desk.turnTheme },
    { keys: ["?"], what: "this help", act: openHelp },
    { keys: ["Escape"], what: "close the details", act: desk.closeDetails },
  ];
}
