/** What can be taken along: Mermaid text, SVG, the recording itself. */
import {
  type Call,
  renderMermaid,
  type SequenceView,
  type SpanRecord,
  serialiseRecording,
  subtree,
} from "@vitrine/runtime/trace";
import { renderPicture } from "../diagram/picture.ts";
import type { TraceStore } from "../source/trace-store.ts";
import type { Scene } from "./scene.ts";

/** All blocks of the scene as one view. */
function wholeView(scene: Scene): SequenceView {
  return { lifelines: scene.lifelines, rows: scene.blocks.flatMap((block) => block.view.rows) };
}

export function mermaidOf(scene: Scene, title: string, mark: string | undefined): string {
  return renderMermaid(wholeView(scene), { title, ...(mark === undefined ? {} : { mark }) });
}

function download(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

function spansOf(calls: readonly Call[]): SpanRecord[] {
  return calls.flatMap((call) => [...subtree(call.root)].map((step) => step.span));
}

/** Saves every span the page knows, polls left out, as a recording. */
export function saveRecording(store: TraceStore, name: string): void {
  download(serialiseRecording(spansOf(store.calls())), `${name}.jsonl`, "application/x-ndjson");
}

/** Saves the scene as a picture of its own, light, with titles. Throws when it is too large for one. */
export async function saveSvg(scene: Scene, name: string, mark: string | undefined): Promise<void> {
  const text = mermaidOf(scene, name, mark);
  if (text.length > 45_000) {
    throw new Error("too many arrows for one picture; fold to a lower level first");
  }
  const svg = await renderPicture(text);
  download(svg, `${name}.svg`, "image/svg+xml");
}

/** A file name from a pod's name. */
export function fileNameOf(text: string): string {
  return (
    text
      .replace(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[-.]+/, "")
      .slice(0, 60) || "trace"
  );
}
