/** One short message at the foot of the page. */
import { type ReactNode, useCallback, useEffect, useState } from "react";
import type { Say } from "./use-source.ts";

const calmMs = 3_500;
const badMs = 12_000;

export function useNotice(): readonly [ReactNode, Say] {
  const [notice, setNotice] = useState<{ readonly text: string; readonly tone: "calm" | "bad" }>();
  const say = useCallback<Say>((text, tone = "calm") => setNotice({ text, tone }), []);
  useEffect(() => {
    if (!notice) return;
    const timer = setTimeout(() => setNotice(undefined), notice.tone === "bad" ? badMs : calmMs);
    return () => clearTimeout(timer);
  }, [notice]);
  const element = (
    <div className="notices">
      <div aria-live="polite" role="status">
        {notice?.tone === "calm" && <p className="notice">{notice.text}</p>}
      </div>
      <div aria-live="assertive" role="alert">
        {notice?.tone === "bad" && <p className="notice notice-bad">{notice.text}</p>}
      </div>
    </div>
  );
  return [element, say];
}
