/** What the page says when there is nothing to show yet. */
import type { LiveState } from "../source/live-connection.ts";

export interface EmptyStateProps {
  readonly live: LiveState | undefined;
  readonly recording: boolean;
  readonly onBundled: () => void;
  readonly onOpen: () => void;
}

function sentence(live: LiveState | undefined): string {
  if (!live) return "Open a recording to see, arrow by arrow, how a pod came to life.";
  if (live.link === "live")
    return "Start a pod on this node, and every step of it appears here as it happens.";
  return "Waiting for vitrined; as soon as it runs, its pods appear here.";
}

export function EmptyState({ live, recording, onBundled, onOpen }: EmptyStateProps) {
  return (
    <div className="empty">
      <svg aria-hidden="true" className="empty-art" height="120" viewBox="0 0 280 120" width="280">
        <path className="empty-line" d="M40 20v90M140 20v90M240 20v90" />
        <circle className="empty-head" cx="40" cy="14" r="5" />
        <circle className="empty-head" cx="140" cy="14" r="5" />
        <circle className="empty-head" cx="240" cy="14" r="5" />
        <path className="empty-arrow" d="M40 42h94m-6-4 6 4-6 4" />
        <path className="empty-arrow" d="M140 66h94m-6-4 6 4-6 4" />
        <path className="empty-arrow empty-reply" d="M140 92H46m6-4-6 4 6 4" />
      </svg>
      <p className="empty-sentence">{sentence(live)}</p>
      {live?.problem !== undefined && live.link !== "live" && (
        <p className="empty-problem">{live.problem}</p>
      )}
      <p className="empty-actions">
        {recording && (
          <button className="button button-main" onClick={onBundled} type="button">
            Open the recorded demo pod
          </button>
        )}
        <button className="button" onClick={onOpen} type="button">
          Open a recording…
        </button>
      </p>
      <p className="empty-hint">
        or drop an OTLP <code>.jsonl</code> file anywhere on this page
      </p>
    </div>
  );
}
