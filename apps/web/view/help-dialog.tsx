/** Keyboard map and a word on what one sees. */
import { lifelineTitle, lifelineWhy } from "@vitrine/runtime/trace";
import { useEffect, useRef } from "react";
import { CloseIcon } from "./icons.tsx";
import type { Shortcut } from "./use-shortcuts.ts";

const keyWords: Readonly<Record<string, string>> = { Escape: "Esc", " ": "Space" };

const ownLifelines = ["client", "runtime", "registry", "cni", "shim", "oci", "kernel", "container"];

export interface HelpDialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
  /** What is drawn now, left to right; Vitrine's own when nothing is. */
  readonly lifelines: readonly string[];
  readonly shortcuts: readonly Shortcut[];
  readonly singleKeys: boolean;
  readonly onSingleKeys: (on: boolean) => void;
}

export function HelpDialog({
  open,
  onClose,
  lifelines,
  shortcuts,
  singleKeys,
  onSingleKeys,
}: HelpDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open && dialog.current?.open) dialog.current.close();
  }, [open]);
  return (
    <dialog aria-labelledby="help-title" className="help" onClose={onClose} ref={dialog}>
      <header className="help-head">
        <h2 id="help-title">Reading the diagram</h2>
        <button aria-label="Close help" className="tool" onClick={onClose} type="button">
          <CloseIcon />
        </button>
      </header>
      <div className="help-body">
        <section>
          <h3>Lifelines</h3>
          <dl className="help-lifelines">
            {(lifelines.length === 0 ? ownLifelines : lifelines).map((id) => (
              <div key={id}>
                <dt>
                  <span className={`chip lifeline-${id}`}>{lifelineTitle(id)}</span>
                </dt>
                <dd>{lifelineWhy(id)}</dd>
              </div>
            ))}
          </dl>
          <p>
            Every arrow is one OpenTelemetry span. Choose an arrow, or its row in the list, for why
            it happens, its attributes and where it is specified.
          </p>
        </section>
        <section>
          <h3>Keyboard</h3>
          <dl className="help-keys">
            {shortcuts.map(({ keys, what }) => (
              <div key={what}>
                <dt>
                  {keys.map((key) => (
                    <kbd key={key}>{keyWords[key] ?? key}</kbd>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
            <div>
              <dt>
                <kbd>↑</kbd>
                <kbd>↓</kbd>
              </dt>
              <dd>move in the list of steps</dd>
            </div>
          </dl>
          <label className="help-toggle">
            <input
              checked={singleKeys}
              onChange={(event) => onSingleKeys(event.target.checked)}
              type="checkbox"
            />
            Single-key shortcuts
          </label>
        </section>
      </div>
    </dialog>
  );
}
