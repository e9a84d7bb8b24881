/** All scenarios, as a table of contents: what the stage shows before the first run. */
import { grouped } from "../source/scenario-groups.ts";
import type { ScenarioWords } from "../source/simulation-run.ts";

export interface ScenarioListProps {
  readonly scenarios: readonly ScenarioWords[];
  readonly onRun: (id: string) => void;
}

export function ScenarioList({ scenarios, onRun }: ScenarioListProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scroll area must be reachable by keyboard
    <section aria-label="Scenarios" className="scenarios" tabIndex={0}>
      <p className="empty-sentence">
        Choose a scenario and run it: the same runtime, on a model of the kernel, in this browser
        alone.
      </p>
      {grouped(scenarios).map((group) => (
        <section className="scenario-group" key={group.title}>
          <h2>{group.title}</h2>
          <ul>
            {group.scenarios.map(({ id, title, summary }) => (
              <li key={id}>
                <button className="scenario" onClick={() => onRun(id)} type="button">
                  <strong>{title}</strong>
                  <span>{summary}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </section>
  );
}
