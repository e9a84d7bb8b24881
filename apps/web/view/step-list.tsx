/**
 * The equivalent of the diagram as a list: every shown step, who calls whom, with result and duration.
 * One stop for the Tab key; arrow keys move inside. Only what is in view is in the document.
 */

import { useVirtualizer } from "@tanstack/react-virtual";
import { countOf, formatDuration, lifelineTitle, printable } from "@vitrine/runtime/trace";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { ErrorIcon } from "./icons.tsx";
import type { Scene, StepItem } from "./scene.ts";

const rowHeight = 30;

interface StepRowProps {
  readonly item: StepItem;
  readonly chosen: boolean;
  readonly first: boolean;
  readonly onChoose: (key: string) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

function outcome({ row }: StepItem): string {
  if (row.state === "running") return "running";
  return row.durationNs === undefined ? "" : formatDuration(row.durationNs);
}

/** The whole step in words, for assistive technology. */
function spoken({ n, row }: StepItem): string {
  const parts = [
    `${n}. ${lifelineTitle(row.from)} to ${lifelineTitle(row.to)}: ${row.label}`,
    row.error === undefined ? undefined : `failed with ${row.error}`,
    row.state === "running" ? "running" : undefined,
    row.durationNs === undefined ? undefined : formatDuration(row.durationNs),
    row.foldedCount > 0 ? `${countOf(row.foldedCount, "step")} folded` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

function StepRow({ item, chosen, first, onChoose, onKeyDown }: StepRowProps) {
  const { row, n } = item;
  return (
    <button
      aria-current={chosen ? "step" : undefined}
      aria-label={spoken(item)}
      className={`step step-${row.state} step-level-${row.level}`}
      data-step={row.key}
      onClick={() => onChoose(row.key)}
      onKeyDown={onKeyDown}
      tabIndex={chosen || first ? 0 : -1}
      title={printable(row.label, 300)}
      type="button"
    >
      <span className="step-n">{n}</span>
      <span className="step-label" style={{ paddingInlineStart: Math.min(row.depth, 6) * 10 }}>
        <span
          aria-hidden="true"
          className={`step-dot lifeline-${row.to.startsWith("x:") ? "foreign" : row.to}`}
        />
        {printable(row.label, 120)}
      </span>
      {row.foldedCount > 0 && (
        <span className={row.foldedFailed > 0 ? "step-folded step-folded-bad" : "step-folded"}>
          +{row.foldedCount}
        </span>
      )}
      {row.error !== undefined && (
        <span className="step-error">
          <ErrorIcon />
          {row.error}
        </span>
      )}
      <span className="step-time">{outcome(item)}</span>
    </button>
  );
}

const page = 12;

/** Where a key moves to from `index`; undefined for keys that do not move. */
function moveOf(event: KeyboardEvent, index: number, count: number): number | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + page,
    PageUp: index - page,
    Home: 0,
    End: count - 1,
  };
  const to = moves[event.key];
  return to === undefined ? undefined : Math.max(0, Math.min(count - 1, to));
}

/** Focuses a step that may enter the document only after the list has scrolled. */
function focusSoon(list: HTMLElement | null, key: string): void {
  setTimeout(() => {
    list
      ?.querySelector<HTMLElement>(`[data-step="${CSS.escape(key)}"]`)
      ?.focus({ preventScroll: true });
  }, 30);
}

export interface StepListProps {
  readonly scene: Scene;
  readonly chosen: string | undefined;
  readonly onChoose: (key: string) => void;
  readonly follow: boolean;
}

export function StepList({ scene, chosen, onChoose, follow }: StepListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const { steps } = scene;
  const virtual = useVirtualizer({
    count: steps.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 16,
  });
  const index = chosen === undefined ? -1 : steps.findIndex((item) => item.row.key === chosen);
  useEffect(() => {
    if (index >= 0) virtual.scrollToIndex(index, { align: "auto" });
  }, [index, virtual]);
  useEffect(() => {
    if (follow && steps.length > 0) virtual.scrollToIndex(steps.length - 1, { align: "end" });
  }, [follow, steps.length, virtual]);

  const onKeyDown = (event: KeyboardEvent) => {
    const to = moveOf(event, index, steps.length);
    const item = to === undefined ? undefined : steps[to];
    if (!item) return;
    event.preventDefault();
    onChoose(item.row.key);
    virtual.scrollToIndex(item.n - 1, { align: "auto" });
    focusSoon(scroller.current, item.row.key);
  };
  const shown = virtual.getVirtualItems();
  return (
    <div className="steps" ref={scroller}>
      <ol aria-label="Steps" className="step-list" style={{ height: virtual.getTotalSize() }}>
        {shown.map((place) => {
          const item = steps[place.index];
          if (!item) return null;
          return (
            <li
              aria-posinset={item.n}
              aria-setsize={steps.length}
              className="step-item"
              key={`${item.row.key} ${item.row.kind}`}
              style={{ transform: `translateY(${place.start}px)`, height: rowHeight }}
            >
              <StepRow
                chosen={item.row.key === chosen}
                first={index < 0 && place.index === shown[0]?.index}
                item={item}
                onChoose={onChoose}
                onKeyDown={onKeyDown}
              />
            </li>
          );
        })}
      </ol>
    </div>
  );
}
