/** Opening a recording: from disk or from the server's own, into memory of this browser only. */
import { type Recording, recordingLimits } from "@vitrine/runtime/trace";
import { originOf, TraceStore } from "./trace-store.ts";

const parseMsMax = 20_000;

function parseInWorker(text: string): Promise<Recording> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./recording.worker.ts", import.meta.url), {
      type: "module",
    });
    const timer = setTimeout(() => finish(new Error("it takes too long to read")), parseMsMax);
    const finish = (outcome: Recording | Error) => {
      clearTimeout(timer);
      worker.terminate();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    worker.addEventListener("message", (event: MessageEvent<Recording>) => finish(event.data));
    worker.addEventListener("error", () => finish(new Error("the reader crashed")));
    worker.postMessage(text);
  });
}

/** A store with the recording in `text`; throws with what is wrong with it when nothing can be shown. */
export async function openRecording(
  text: string,
  name: string,
): Promise<{
  readonly store: TraceStore;
  readonly warning: string | undefined;
}> {
  const recording = await parseInWorker(text);
  const first = recording.problems[0];
  if (recording.spans.length === 0) {
    throw new Error(first ? `line ${first.line} ${first.message}` : "there is no span in it");
  }
  const store = new TraceStore(originOf(recording.resources, name));
  store.sequence.addAll(recording.spans);
  const warning = first
    ? `${recording.problemCount} of its lines or spans could not be read; the first: line ${first.line} ${first.message}`
    : undefined;
  return { store, warning };
}

/** Reads a file the user chose. */
export async function openFile(file: File): ReturnType<typeof openRecording> {
  if (file.size > recordingLimits.charsMax) {
    throw new Error(`it is larger than ${recordingLimits.charsMax >> 20} MiB`);
  }
  return openRecording(await file.text(), file.name);
}

/** Fetches the recording that comes with the project. */
export async function openBundled(path: string): ReturnType<typeof openRecording> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`the server answers ${response.status}`);
  return openRecording(await response.text(), path.split("/").at(-1) ?? path);
}
