/** The simulated kernel of this page: loaded when somebody switches to it, gone when they switch back. */
import { useCallback, useEffect, useRef, useState } from "react";
import {
  noSimulation,
  type SimulationRequest,
  SimulationRun,
  type SimulationState,
} from "../source/simulation-run.ts";
import { TraceStore } from "../source/trace-store.ts";

export interface SimulationSource {
  readonly store: TraceStore;
  readonly state: SimulationState;
  readonly run: (request: SimulationRequest) => void;
  readonly stop: () => void;
}

function makeStore(): TraceStore {
  return new TraceStore({ provenance: "simulated", name: "", facts: [] });
}

export function useSimulation(wanted: boolean): SimulationSource {
  const [store] = useState(makeStore);
  const [state, setState] = useState<SimulationState>(noSimulation);
  const simulation = useRef<SimulationRun>(undefined);
  useEffect(() => {
    if (!wanted) return;
    const mine = new SimulationRun(store, setState);
    simulation.current = mine;
    return () => {
      mine.close();
      simulation.current = undefined;
      setState(noSimulation);
    };
  }, [wanted, store]);
  const run = useCallback((request: SimulationRequest) => simulation.current?.run(request), []);
  const stop = useCallback(() => simulation.current?.stop(), []);
  return { store, state, run, stop };
}
