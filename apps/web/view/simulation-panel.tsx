/** What to simulate: scenario, seed, faults, pace. Stands below the bar while the page is simulated. */
import { formatDuration } from "@vitrine/runtime/trace";
import { type FormEvent, type ReactNode, useState } from "react";
import { withFault } from "../source/fault-forms.ts";
import { paces } from "../source/run-address.ts";
import { grouped } from "../source/scenario-groups.ts";
import type { SimulationState } from "../source/simulation-run.ts";
import { FaultHelp } from "./fault-help.tsx";
import { DiceIcon, RunIcon, StopIcon } from "./icons.tsx";
import type { RunForm } from "./use-run-form.ts";

export interface SimulationPanelProps {
  readonly state: SimulationState;
  readonly form: RunForm;
  readonly onStop: () => void;
  /** What is said about the run below the form. */
  readonly children?: ReactNode;
}

/** Another seed, short enough to be told to somebody. */
function anotherSeed(): string {
  return String((crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % 100_000);
}

function ScenarioField({ state, form }: SimulationPanelProps) {
  const { words, chosen, change } = form;
  return (
    <label className="simulation-scenario">
      <span>Scenario</span>
      <select
        onChange={(event) => change({ scenario: event.target.value })}
        value={chosen === undefined ? "" : words.scenario}
      >
        {chosen === undefined && <option value="">…</option>}
        {grouped(state.scenarios).map((group) => (
          <optgroup key={group.title} label={group.title}>
            {group.scenarios.map(({ id, title }) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
}

function SeedField({ form }: SimulationPanelProps) {
  const { words, trouble, change } = form;
  return (
    <div className="simulation-seed">
      <label>
        <span>Seed</span>
        <input
          aria-describedby="simulation-words"
          aria-invalid={trouble?.startsWith("A seed") === true}
          inputMode="numeric"
          onChange={(event) => change({ seed: event.target.value })}
          title="The same seed makes the same run, byte for byte."
          value={words.seed}
        />
      </label>
      <button
        aria-label="Another seed"
        className="tool"
        onClick={() => change({ seed: anotherSeed() })}
        title="Another seed"
        type="button"
      >
        <DiceIcon />
      </button>
    </div>
  );
}

function FaultField({ form }: SimulationPanelProps) {
  const { words, change } = form;
  return (
    <div className="simulation-faults">
      <label>
        <span>Faults</span>
        <input
          onChange={(event) => change({ faults: event.target.value })}
          placeholder="none"
          spellCheck={false}
          value={words.faults}
        />
      </label>
      <FaultHelp onFault={(fault) => change({ faults: withFault(words.faults, fault) })} />
    </div>
  );
}

function PaceField({ form }: SimulationPanelProps) {
  return (
    <label className="simulation-pace">
      <span>Pace</span>
      <select
        onChange={(event) => form.change({ pace: event.target.value })}
        title="How fast the page shows what happens; the run itself is the same."
        value={form.words.pace}
      >
        {paces.map(({ id, title }) => (
          <option key={id} value={id}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Told to everybody, also to who does not see the picture grow: how it stands, and how it ended. */
function Words({ state, form }: SimulationPanelProps) {
  const { phase, outcome, good, residue, steps, elapsedNs } = state;
  const ended = phase === "done" || phase === "failed";
  const tone = form.trouble !== undefined || (ended && !good) ? "bad" : ended ? "good" : "calm";
  const running = phase === "running" ? "Running…" : "";
  const waiting =
    state.scenarios.length === 0 ? "Loading the simulated kernel…" : form.chosen?.summary;
  return (
    <div className="simulation-line">
      <p
        className={`simulation-words simulation-${tone}`}
        id="simulation-words"
        role="status"
        title={outcome}
      >
        {form.trouble ?? (running || outcome || waiting || "")}
      </p>
      {steps > 0 && (
        <span className="simulation-count">
          {steps} steps · {formatDuration(elapsedNs)} of simulated time
        </span>
      )}
      {residue.length > 0 && (
        <details className="simulation-residue">
          <summary>What was left behind</summary>
          <ul>
            {residue.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

export function SimulationPanel(props: SimulationPanelProps) {
  const { state, form, onStop, children } = props;
  const [more, setMore] = useState(false);
  const running = state.phase === "running";
  const pace = paces.find(({ id }) => id === form.words.pace)?.title;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    form.run();
  };
  return (
    <form
      aria-busy={running}
      aria-label="Simulation"
      className={`simulation${more ? " simulation-open" : ""}`}
      onSubmit={submit}
    >
      <div className="simulation-fields">
        <ScenarioField {...props} />
        <button
          aria-expanded={more}
          className="button simulation-more"
          onClick={() => setMore(!more)}
          type="button"
        >
          <span>
            Seed {form.words.seed} · {form.words.faults.trim() || "no faults"} · {pace}
          </span>
        </button>
        <SeedField {...props} />
        <FaultField {...props} />
        <PaceField {...props} />
        <span className="simulation-acts">
          <button
            className="button button-main"
            disabled={form.chosen === undefined || form.trouble !== undefined}
            type="submit"
          >
            <RunIcon /> {running ? "Run anew" : "Run"}
          </button>
          {running && (
            <button className="button" onClick={onStop} type="button">
              <StopIcon /> Stop
            </button>
          )}
        </span>
      </div>
      <Words {...props} />
      {children}
      {running && <div aria-hidden="true" className="simulation-progress" />}
    </form>
  );
}
