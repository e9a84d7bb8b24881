/** What to simulate, as the form holds it; the address of the page says the same, so that it can be sent on. */
import { useCallback, useEffect, useRef, useState } from "react";
import { faultsOf } from "../source/fault-forms.ts";
import {
  addressOf,
  noWords,
  paces,
  type RunWords,
  seedOf,
  wordsOf,
} from "../source/run-address.ts";
import type { ScenarioWords } from "../source/simulation-run.ts";
import type { SimulationSource } from "./use-simulation.ts";

export interface RunForm {
  readonly words: RunWords;
  readonly change: (words: Partial<RunWords>) => void;
  readonly chosen: ScenarioWords | undefined;
  /** Why it cannot be run as it stands. */
  readonly trouble: string | undefined;
  /** Whether a run goes on slowly enough to be followed; one that is over at once is read from its top. */
  readonly watching: boolean;
  /** Runs what the form holds, or another scenario with the rest of it. */
  readonly run: (scenario?: string) => void;
}

function troubleOf(words: RunWords, scenarios: readonly ScenarioWords[]): string | undefined {
  if (seedOf(words.seed) === undefined) return "A seed is a whole number from 0 to 4294967295.";
  if (scenarios.length === 0 || words.scenario === "") return undefined;
  const known = scenarios.some(({ id }) => id === words.scenario);
  return known ? undefined : `There is no scenario "${words.scenario.slice(0, 60)}"; choose one.`;
}

export function useRunForm(simulation: SimulationSource): RunForm {
  const [words, setWords] = useState<RunWords>(noWords);
  const { state, run: start } = simulation;
  const { scenarios } = state;
  const change = useCallback(
    (some: Partial<RunWords>) => setWords((old) => ({ ...old, ...some })),
    [],
  );
  const begin = useCallback(
    (wanted: RunWords) => {
      const seed = seedOf(wanted.seed);
      const known = scenarios.some(({ id }) => id === wanted.scenario);
      if (seed === undefined || !known) return;
      const faults = faultsOf(wanted.faults);
      const pace = paces.find(({ id }) => id === wanted.pace) ?? paces[0];
      history.replaceState(null, "", addressOf(wanted, faults));
      start({ scenario: wanted.scenario, seed, faults, nsPerMs: pace.nsPerMs });
    },
    [scenarios, start],
  );
  // A run that the address names is run once, as soon as there is somebody to run it.
  const opened = useRef(false);
  useEffect(() => {
    if (scenarios.length === 0 || opened.current) return;
    opened.current = true;
    const asked = wordsOf(location.search);
    if (asked === undefined) return;
    setWords(asked);
    begin(asked);
  }, [scenarios, begin]);
  const id = words.scenario || (scenarios[0]?.id ?? "");
  return {
    words: { ...words, scenario: id },
    change,
    chosen: scenarios.find((scenario) => scenario.id === id),
    trouble: troubleOf(words, scenarios),
    watching: state.phase === "running" && state.paced,
    run: (scenario = id) => {
      if (scenario !== words.scenario) change({ scenario });
      begin({ ...words, scenario });
    },
  };
}
