/**
 * Pictures by Mermaid, tamed: one render at a time, a fresh id each (reusing one makes Mermaid remove
 * what is on screen), strict, no error pictures. All pictures of a page have the same columns, because
 * width and margins are given and labels wrap inside them.
 */
import type { Mermaid, MermaidConfig } from "mermaid";

export interface Columns {
  /** Distance between two lifelines, px. */
  readonly pitch: number;
}

export const sideMargin = 12;
const gap = 10;
export const messageFont =
  'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/** Characters that fit between two neighbouring lifelines, at an average width of the message font. */
export function columnChars(columns: Columns): number {
  return Math.max(8, Math.floor((columns.pitch - gap) / 7.2));
}

/** x of the n-th lifeline. */
export function columnX(columns: Columns, index: number): number {
  return sideMargin + (columns.pitch - gap) / 2 + index * columns.pitch;
}

export function pictureWidth(columns: Columns, count: number): number {
  return 2 * sideMargin + columns.pitch * count - gap;
}

function configOf(columns: Columns | undefined): MermaidConfig {
  const common: MermaidConfig = {
    startOnLoad: false,
    securityLevel: "strict",
    suppressErrorRendering: true,
    maxTextSize: 50_000,
    deterministicIds: true,
    htmlLabels: false,
    look: "classic",
    theme: "default",
    fontFamily: messageFont,
    logLevel: "fatal",
  };
  if (!columns) return { ...common, sequence: { mirrorActors: false, wrap: false } };
  return {
    ...common,
    // Mermaid copies the top-level size over the sizes of sequence texts.
    fontSize: 12,
    sequence: {
      width: columns.pitch - gap,
      actorMargin: gap,
      height: 1,
      diagramMarginX: sideMargin,
      diagramMarginY: 0,
      boxMargin: 3,
      boxTextMargin: 0,
      wrapPadding: 2,
      noteMargin: 6,
      messageMargin: 12,
      activationWidth: 6,
      bottomMarginAdj: 1,
      mirrorActors: false,
      useMaxWidth: false,
      rightAngles: true,
      wrap: true,
      hideUnusedParticipants: false,
      messageAlign: "center",
      messageFontSize: 12,
      messageFontFamily: messageFont,
      // Measured bold, because calls and failures are drawn so; the style sheet makes the others regular.
      messageFontWeight: 600,
      actorFontSize: 10,
      actorFontFamily: messageFont,
    },
  };
}

let loading: Promise<Mermaid> | undefined;
let queue: Promise<unknown> = Promise.resolve();
let count = 0;

function load(): Promise<Mermaid> {
  loading ??= import("mermaid").then(
    (module) => module.default,
    (error: unknown) => {
      // The connection may have been down; the next picture asks again.
      loading = undefined;
      throw error;
    },
  );
  return loading;
}

/** Loads Mermaid and draws something small while nobody waits, so that the first arrow comes at once. */
export function warmUpPictures(): void {
  void renderPicture("sequenceDiagram\n  p0->>p1: warm up\n", { pitch: 112 }).catch(
    () => undefined,
  );
}

async function renderNow(text: string, columns: Columns | undefined): Promise<string> {
  const mermaid = await load();
  mermaid.initialize(configOf(columns));
  const id = `picture-${++count}`;
  try {
    return (await mermaid.render(id, text)).svg;
  } finally {
    // Mermaid leaves its measuring element behind when it fails.
    document.getElementById(`d${id}`)?.remove();
  }
}

/** The SVG of `text`; with `columns` for the page, without for export. One after another, in order of asking. */
export function renderPicture(text: string, columns?: Columns): Promise<string> {
  const result = queue.then(() => renderNow(text, columns));
  queue = result.catch(() => undefined);
  return result;
}
