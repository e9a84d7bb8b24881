/** Parses a recording off the page's thread: a file may be large, deep or hostile. */
import { parseRecording, type Recording } from "@vitrine/runtime/trace";

addEventListener("message", (event: MessageEvent<string>) => {
  const recording: Recording = parseRecording(event.data);
  postMessage(recording);
});
