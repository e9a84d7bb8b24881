/** Search over all steps of the chosen pod, at any level; choosing a deep match unfolds to its level. */
import { labelOf, type Step, stepId } from "@vitrine/runtime/trace";
import { type KeyboardEvent, type RefObject, useMemo, useState } from "react";
import { SearchIcon } from "./icons.tsx";

function matches(step: Step, words: readonly string[]): boolean {
  const { span } = step;
  const parts = [labelOf(step), stepId(step), span.statusMessage];
  for (const [key, value] of span.attributes) {
    parts.push(key, typeof value === "object" ? value.join(" ") : String(value));
  }
  const text = parts.join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

export interface SearchBoxProps {
  readonly steps: readonly Step[];
  readonly onFind: (step: Step) => void;
  readonly input: RefObject<HTMLInputElement | null>;
}

export function SearchBox({ steps, onFind, input }: SearchBoxProps) {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(-1);
  const found = useMemo(() => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    return words.length === 0 ? [] : steps.filter((step) => matches(step, words));
  }, [query, steps]);
  const go = (to: number) => {
    if (found.length === 0) return;
    const place = (to + found.length) % found.length;
    setAt(place);
    const step = found[place];
    if (step) onFind(step);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") go(event.shiftKey ? Math.max(at, 0) - 1 : at + 1);
    if (event.key === "Escape") {
      setQuery("");
      input.current?.blur();
    }
  };
  return (
    <search className="search">
      <SearchIcon />
      <input
        aria-label="Search the steps of this pod"
        onChange={(event) => {
          setQuery(event.target.value);
          setAt(-1);
        }}
        onKeyDown={onKeyDown}
        placeholder="Search  /"
        ref={input}
        spellCheck={false}
        type="text"
        value={query}
      />
      <span className="search-count" role="status">
        {query !== "" && (at >= 0 ? `${at + 1}/${found.length}` : found.length)}
      </span>
    </search>
  );
}
