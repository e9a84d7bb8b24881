/**
 * Keeps one element's picture up to date. Wishes come as fast as spans do; the painter draws the
 * latest at its own pace, slower when drawing is slow, and leaves the last good picture in place
 * meanwhile and when a drawing fails.
 */
import { renderMermaid, type SequenceView } from "@vitrine/runtime/trace";
import { type Columns, columnChars, renderPicture } from "./picture.ts";
import { groupRows } from "./row-groups.ts";

export interface Wish {
  readonly view: SequenceView;
  readonly active: readonly string[];
  readonly lifelines: readonly string[];
  readonly columns: Columns;
  /** For assistive technology. */
  readonly label: string;
}

const cacheMax = 96;
const cache = new Map<string, string>();
const paceMs = 100;
const slowMs = 150;
const slowPaceMs = 1_000;
/** A picture that failed is tried again, because the network may have been the reason. */
const retryMs = 2_000;
const retriesMax = 5;

async function svgOf(key: string, text: string, columns: Columns): Promise<string> {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const svg = await renderPicture(text, columns);
  cache.set(key, svg);
  if (cache.size > cacheMax) cache.delete(cache.keys().next().value as string);
  return svg;
}

export class Painter {
  readonly #target: HTMLElement;
  readonly #done: (drawn: boolean) => void;
  #wish: Wish | undefined;
  #drawnKey = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #painting = false;
  #tookMs = 0;
  #disposed = false;
  #failures = 0;

  /** `done` hears of every picture, and of every failure with `false`. */
  constructor(target: HTMLElement, done: (drawn: boolean) => void) {
    this.#target = target;
    this.#done = done;
  }

  want(wish: Wish): void {
    this.#wish = wish;
    if (this.#timer !== undefined || this.#painting) return;
    const pause = this.#drawnKey === "" ? 0 : this.#tookMs > slowMs ? slowPaceMs : paceMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#paint();
    }, pause);
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  async #paint(): Promise<void> {
    const wish = this.#wish;
    if (!wish || this.#disposed) return;
    const { view, active, lifelines, columns } = wish;
    const text = renderMermaid(view, { lifelines, active, columnChars: columnChars(columns) });
    // Rows carry keys and states that the text does not show.
    const rows = view.rows.map((row) => `${row.key} ${row.state}`).join("\n");
    const key = `${columns.pitch} ${text}`;
    if (key + rows !== this.#drawnKey) {
      this.#painting = true;
      const started = performance.now();
      const svg = await svgOf(key, text, columns).catch(() => undefined);
      this.#tookMs = performance.now() - started;
      this.#painting = false;
      if (this.#disposed) return;
      this.#show(svg, wish, key + rows);
    }
    if (this.#wish !== wish) this.want(this.#wish ?? wish);
  }

  #show(svg: string | undefined, wish: Wish, key: string): void {
    const picture = svg === undefined ? undefined : groupRows(svg, wish.view.rows, wish.columns);
    if (picture) {
      picture.setAttribute("aria-label", wish.label);
      this.#target.replaceChildren(picture);
      this.#drawnKey = key;
    }
    this.#failures = picture ? 0 : this.#failures + 1;
    this.#done(picture !== undefined);
    if (picture || this.#failures > retriesMax) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#paint();
    }, retryMs);
  }
}
