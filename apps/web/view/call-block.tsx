/** One call on the stage: a strip with its name, state and time, and its pictures below. */
import { formatDuration, printable, sliceView } from "@vitrine/runtime/trace";
import { memo, useMemo } from "react";
import type { Columns } from "../diagram/picture.ts";
import { ErrorIcon } from "./icons.tsx";
import { PictureWindow } from "./picture-window.tsx";
import type { Block } from "./scene.ts";
import { clockTime } from "./time.ts";

/** Rows of one Mermaid picture: above about this many, drawing takes longer than a frame or two. */
export const windowRows = 24;

export interface CallBlockProps {
  readonly block: Block;
  readonly lifelines: readonly string[];
  readonly columns: Columns;
  readonly onDrawn: (element: HTMLElement) => void;
}

function CallBlockInner({ block, lifelines, columns, onDrawn }: CallBlockProps) {
  const windows = useMemo(() => {
    const list: ReturnType<typeof sliceView>[] = [];
    for (let from = 0; from < block.view.rows.length; from += windowRows) {
      list.push(sliceView(block.view, from, from + windowRows));
    }
    return list;
  }, [block.view]);
  const label = `Sequence diagram of ${printable(block.title, 80)}; the list of steps has the same`;
  return (
    <section
      aria-label={printable(block.title, 80)}
      className={`call call-${block.state}`}
      data-call={block.key}
    >
      <header className="call-strip">
        <h2 className="call-title">{printable(block.title, 120)}</h2>
        {block.state === "failed" && (
          <span className="call-error">
            <ErrorIcon />{" "}
            {block.view.rows.find((row) => row.error !== undefined)?.error ?? "failed"}
          </span>
        )}
        {block.state === "running" && <span className="call-pulse">running</span>}
        <span className="call-time">
          {block.durationNs === undefined ? "" : formatDuration(block.durationNs)}
        </span>
        <time className="call-clock">{clockTime(block.startNs)}</time>
      </header>
      {windows.map((window, index) => (
        <PictureWindow
          active={window.active}
          columns={columns}
          // biome-ignore lint/suspicious/noArrayIndexKey: windows only ever append
          key={index}
          label={label}
          lifelines={lifelines}
          onDrawn={onDrawn}
          view={window.view}
        />
      ))}
    </section>
  );
}

export const CallBlock = memo(
  CallBlockInner,
  (a, b) =>
    a.block.view === b.block.view &&
    a.block.state === b.block.state &&
    a.block.title === b.block.title &&
    a.columns === b.columns &&
    a.lifelines === b.lifelines &&
    a.onDrawn === b.onDrawn,
);
