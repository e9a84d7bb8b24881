/** What to simulate: scenario, seed, faults, pace. Stands below the bar while the page is simulated. */
import { type FormEvent, useEffect, useState } from "react";
import type { SimulationRequest, SimulationState } from "../source/simulation-run.ts";

const paces: readonly (readonly [label: string, nsPerMs: number])[] = [
  ["at once", 0],
  ["1/20 of real time", 50_000],
  ["1/200 of real time", 5_000],
];
const seedMax = 0xffff_ffff;

export interface SimulationPanelProps {
  readonly state: SimulationState;
  readonly onRun: (request: SimulationRequest) => void;
}

/** The whole number of a seed; undefined when it is none. */
function seedOf(text: string): number | undefined {
  const seed = Number(text);
  return /^\d{1,10}$/.test(text.trim()) && seed <= seedMax ? seed : undefined;
}

export function SimulationPanel({ state, onRun }: SimulationPanelProps) {
  const [scenario, setScenario] = useState("");
  const [seed, setSeed] = useState("1");
  const [faults, setFaults] = useState("");
  const [pace, setPace] = useState(0);
  const chosen = scenario || (state.scenarios[0]?.id ?? "");
  const about = state.scenarios.find(({ id }) => id === chosen);
  const number = seedOf(seed);
  useEffect(() => {
    const asked = new URLSearchParams(location.search).get("scenario");
    if (asked !== null && state.scenarios.some(({ id }) => id === asked)) setScenario(asked);
  }, [state.scenarios]);
  const run = (event: FormEvent) => {
    event.preventDefault();
    if (number === undefined) return;
    const list = faults.split(/\s+/).filter((fault) => fault !== "");
    onRun({ scenario: chosen, seed: number, faults: list, nsPerMs: pace });
  };
  return (
    <form aria-label="Simulation" className="simulation" onSubmit={run}>
      <label>
        Scenario
        <select onChange={(event) => setScenario(event.target.value)} value={chosen}>
          {state.scenarios.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label className="simulation-seed">
        Seed
        <input
          aria-invalid={number === undefined}
          inputMode="numeric"
          onChange={(event) => setSeed(event.target.value)}
          title="The same seed makes the same run, byte for byte."
          value={seed}
        />
      </label>
      <label className="simulation-faults">
        Faults
        <input
          onChange={(event) => setFaults(event.target.value)}
          placeholder="mount#2=ENOSPC crash@37"
          spellCheck={false}
          value={faults}
        />
      </label>
      <label>
        Pace
        <select onChange={(event) => setPace(Number(event.target.value))} value={pace}>
          {paces.map(([label, nsPerMs]) => (
            <option key={nsPerMs} value={nsPerMs}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <button
        className="button button-main"
        disabled={state.phase === "loading" || number === undefined}
        type="submit"
      >
        {state.phase === "running" ? "Run anew" : "Run"}
      </button>
      <p className={`simulation-words simulation-${state.phase}`} role="status">
        {number === undefined
          ? `A seed is a whole number from 0 to ${seedMax}.`
          : state.outcome || about?.summary || "Loading the simulated kernel…"}
      </p>
    </form>
  );
}
