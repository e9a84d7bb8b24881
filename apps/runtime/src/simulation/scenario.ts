/** What a scenario is: a run on the simulated kernel that shows one thing, with its cast and its words. */
import type { EngineOptions } from "../engine/engine-options.ts";
import type { CgroupLayout } from "../kernel/sim/index.ts";
import type { CastName } from "../trace/cast.ts";
import type { StepId } from "../trace/catalogue.ts";
import type { Stage } from "./stage.ts";

export interface Scenario {
  /** Kebab-case: what `vitrine sim` takes. */
  readonly id: string;
  readonly title: string;
  /** One or two sentences: what is to be seen. */
  readonly summary: string;
  /** Headings of docs/container-runtime-internals.md's themes that it shows, for the coverage table. */
  readonly shows: readonly string[];
  /** Whose lifelines are drawn; unset is Vitrine's own. */
  readonly cast?: CastName;
  /** Words for learners by step, said when the step comes up the first time; the catalogue's `why` is said elsewhere. */
  readonly narration: Readonly<Partial<Record<StepId, string>>>;
  /** Settings of the runtime that it is about. */
  readonly engine?: Partial<EngineOptions>;
  /** How the host's cgroups are mounted; unset is v2. */
  readonly cgroups?: CgroupLayout;
  /** Faults that belong to it, in the grammar of kernel/sim/fault; the caller's come on top. */
  readonly faults?: readonly string[];
  /** A run ends with everything taken down, so that residue is a finding. */
  run(stage: Stage): Promise<void>;
}
