/**
 * The stage: all calls of the chosen pod below each other on common lifelines, whose titles stay on top.
 * Follows the tail while the reader does not scroll up.
 */
import { type Level, lifelineTitle, lifelineWhy } from "@vitrine/runtime/trace";
import {
  type MouseEvent,
  type RefObject,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { type Columns, columnX, pictureWidth, sideMargin } from "../diagram/picture.ts";
import { CallBlock, windowRows } from "./call-block.tsx";
import { FollowIcon } from "./icons.tsx";
import type { Scene } from "./scene.ts";

const pitchMin = 112;
const pitchMax = 190;

/** Columns that fill the width of the stage, in steps of 6 px so that small changes redraw nothing. */
function useColumns(element: RefObject<HTMLElement | null>, count: number): Columns {
  const [width, setWidth] = useState(900);
  useEffect(() => {
    const target = element.current;
    if (!target) return;
    const observer = new ResizeObserver(() => setWidth(target.clientWidth));
    observer.observe(target);
    return () => observer.disconnect();
  }, [element]);
  const fair = (width - 2 * sideMargin - 24) / Math.max(1, count);
  const pitch = Math.floor(Math.min(pitchMax, Math.max(pitchMin, fair)) / 6) * 6;
  return useMemo(() => ({ pitch }), [pitch]);
}

function Lifelines({
  lifelines,
  columns,
}: {
  readonly lifelines: readonly string[];
  readonly columns: Columns;
}) {
  return (
    <div
      aria-hidden="true"
      className="lifelines"
      style={{ width: pictureWidth(columns, lifelines.length) }}
    >
      {lifelines.map((id, index) => (
        <span
          className={`lifeline lifeline-${id.startsWith("x:") ? "foreign" : id}`}
          key={id}
          style={{ left: columnX(columns, index), maxWidth: columns.pitch - 8 }}
          title={lifelineWhy(id)}
        >
          {lifelineTitle(id)}
        </span>
      ))}
    </div>
  );
}

/** Marks the arrows of the chosen step; the SVG is not React's. */
function mark(root: HTMLElement, key: string | undefined): void {
  for (const old of root.querySelectorAll(".row-chosen")) old.classList.remove("row-chosen");
  if (key === undefined) return;
  for (const row of root.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)) {
    row.classList.add("row-chosen");
  }
}

/** Scrolls the chosen step's arrow into view, also when its picture is drawn only because of that. */
function useReveal(scroller: RefObject<HTMLElement | null>, { chosen, scene, level }: StageProps) {
  const latest = useRef(scene);
  latest.current = scene;
  const wanted = useRef<string>(undefined);
  const reveal = useCallback(() => {
    const root = scroller.current;
    if (!root || wanted.current === undefined) return;
    const row = root.querySelector(`[data-key="${CSS.escape(wanted.current)}"]`);
    if (!row) return;
    wanted.current = undefined;
    const box = row.getBoundingClientRect();
    const view = root.getBoundingClientRect();
    if (box.top < view.top + 60 || box.bottom > view.bottom - 20) {
      root.scrollTop += box.top - view.top - view.height / 3;
    }
  }, [scroller]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: at another level the same step lies elsewhere
  useEffect(() => {
    const root = scroller.current;
    if (!root) return;
    mark(root, chosen?.key);
    if (!chosen) return;
    wanted.current = chosen.key;
    if (!root.querySelector(`[data-key="${CSS.escape(chosen.key)}"]`)) {
      const block = latest.current.blocks.find((candidate) => candidate.key === chosen.blockKey);
      const row = block?.view.rows.findIndex((candidate) => candidate.key === chosen.key) ?? 0;
      const call = root.querySelector(`[data-call="${CSS.escape(chosen.blockKey)}"]`);
      const windows = call?.querySelectorAll(".picture");
      windows?.[Math.floor(Math.max(0, row) / windowRows)]?.scrollIntoView({ block: "start" });
    }
    reveal();
  }, [chosen, level, scroller, reveal]);
  return reveal;
}

export interface Chosen {
  readonly key: string;
  readonly blockKey: string;
}

export interface StageProps {
  readonly scene: Scene;
  readonly chosen: Chosen | undefined;
  readonly onChoose: (key: string) => void;
  readonly follow: boolean;
  readonly onFollow: (follow: boolean) => void;
  /** Whether more may come. */
  readonly live: boolean;
  /** Changes when another pod or source is shown: the view starts at its top. */
  readonly place: string;
  readonly level: Level;
  readonly watermark: string | undefined;
}

/** Keeps the end in view while following, and stops following when the reader scrolls up. */
function useTail(scroller: RefObject<HTMLElement | null>, props: StageProps) {
  const { follow, onFollow, place } = props;
  const following = useRef(follow);
  const lastTop = useRef(0);
  const toEnd = useCallback(() => {
    const root = scroller.current;
    if (!root || !following.current) return;
    root.scrollTop = root.scrollHeight;
    lastTop.current = root.scrollTop;
  }, [scroller]);
  useEffect(() => {
    following.current = follow;
    toEnd();
  }, [follow, toEnd]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: place is what the effect is about
  useEffect(() => {
    const root = scroller.current;
    if (root && !following.current) root.scrollTop = 0;
    lastTop.current = root?.scrollTop ?? 0;
    toEnd();
  }, [place, scroller, toEnd]);
  useEffect(() => {
    const content = scroller.current?.firstElementChild;
    if (!content) return;
    const observer = new ResizeObserver(toEnd);
    observer.observe(content);
    return () => observer.disconnect();
  }, [scroller, toEnd]);
  const onScroll = useCallback(() => {
    const root = scroller.current;
    if (!root) return;
    const atEnd = root.scrollHeight - root.scrollTop - root.clientHeight < 32;
    if (following.current && root.scrollTop < lastTop.current - 4 && !atEnd) onFollow(false);
    lastTop.current = root.scrollTop;
  }, [scroller, onFollow]);
  return onScroll;
}

export function Stage(props: StageProps) {
  const { scene, chosen, onChoose, follow, onFollow, live, place, level, watermark } = props;
  const scroller = useRef<HTMLDivElement>(null);
  // The same lifelines keep the same array, so that settled pictures are left alone.
  const key = scene.lifelines.join("\n");
  const lifelines = useMemo(() => (key === "" ? [] : key.split("\n")), [key]);
  const columns = useColumns(scroller, lifelines.length);
  const reveal = useReveal(scroller, props);
  const onScroll = useTail(scroller, props);
  const [seen, setSeen] = useState(0);
  const shown = useRef("");
  useEffect(() => {
    const now = `${place} ${level}`;
    if (follow || shown.current !== now) setSeen(scene.rowCount);
    shown.current = now;
  }, [follow, place, level, scene.rowCount]);
  const chosenKey = chosen?.key;
  const onDrawn = useCallback(
    (element: HTMLElement) => {
      mark(scroller.current ?? element, chosenKey);
      reveal();
    },
    [reveal, chosenKey],
  );
  const onClick = (event: MouseEvent) => {
    const row = (event.target as Element).closest("[data-key]");
    const rowKey = row?.getAttribute("data-key");
    if (rowKey) onChoose(rowKey);
  };
  const fresh = follow || !live ? 0 : Math.max(0, scene.rowCount - seen);
  return (
    <div className="stage-frame">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the list of steps is the keyboard's way to the same */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrows are in the SVG; events are delegated */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scroll area must be reachable by keyboard */}
      <div className="stage" onClick={onClick} onScroll={onScroll} ref={scroller} tabIndex={0}>
        <div
          className="stage-content"
          style={{ minWidth: pictureWidth(columns, lifelines.length) }}
        >
          <Lifelines columns={columns} lifelines={lifelines} />
          {scene.blocks.map((block) => (
            <CallBlock
              block={block}
              columns={columns}
              key={block.key}
              lifelines={lifelines}
              onDrawn={onDrawn}
            />
          ))}
        </div>
      </div>
      {watermark !== undefined && (
        <div aria-hidden="true" className="watermark">
          {watermark}
        </div>
      )}
      {fresh > 0 && (
        <button className="fresh" onClick={() => onFollow(true)} type="button">
          <FollowIcon /> {fresh} new {fresh === 1 ? "arrow" : "arrows"}
        </button>
      )}
    </div>
  );
}
