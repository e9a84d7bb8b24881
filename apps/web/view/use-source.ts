/** Where the spans come from: the live stream, or a recording that was opened over it. */
import { useCallback, useEffect, useRef, useState } from "react";
import { LiveConnection, type LiveState } from "../source/live-connection.ts";
import { openBundled, openFile } from "../source/open-recording.ts";
import { TraceStore } from "../source/trace-store.ts";
import { type SimulationSource, useSimulation } from "./use-simulation.ts";
import type { WorldName } from "./world-switch.tsx";

export interface Source {
  readonly store: TraceStore;
  /** State of the live stream while that is what is shown. */
  readonly live: LiveState | undefined;
  /** The simulated kernel while that is what is shown. */
  readonly simulation: SimulationSource | undefined;
  /** The simulated kernel, shown or not. */
  readonly simulator: SimulationSource;
  /** Whether a recording is shown that can be closed. */
  readonly recorded: boolean;
  readonly openFile: (file: File) => Promise<void>;
  readonly openBundled: (path: string) => Promise<void>;
  readonly close: () => void;
}

export type Say = (message: string, tone?: "calm" | "bad") => void;

function makeLiveStore(): TraceStore {
  return new TraceStore({ provenance: "live", name: "", facts: [] });
}

export function useSource(isLive: boolean, world: WorldName, say: Say): Source {
  const [liveStore] = useState(makeLiveStore);
  const [recording, setRecording] = useState<TraceStore>();
  const simulation = useSimulation(world === "simulated");
  const [live, setLive] = useState<LiveState>({
    link: "connecting",
    problem: undefined,
    behind: 0,
    missed: 0,
  });
  useEffect(() => {
    if (!isLive) return;
    const connection = new LiveConnection(liveStore, (state) =>
      setLive((old) =>
        old.link === state.link &&
        old.problem === state.problem &&
        old.behind === state.behind &&
        old.missed === state.missed
          ? old
          : state,
      ),
    );
    return () => connection.close();
  }, [isLive, liveStore]);
  const latest = useRef(0);
  const open = useCallback(
    async (reading: ReturnType<typeof openFile>, name: string) => {
      const turn = ++latest.current;
      try {
        const { store, warning } = await reading;
        if (turn !== latest.current) return;
        setRecording(store);
        if (warning !== undefined) say(warning, "bad");
      } catch (error) {
        say(`${name} cannot be opened: ${error instanceof Error ? error.message : error}`, "bad");
      }
    },
    [say],
  );
  const simulated = recording === undefined && world === "simulated";
  return {
    store: recording ?? (simulated ? simulation.store : liveStore),
    simulation: simulated ? simulation : undefined,
    simulator: simulation,
    live: isLive && recording === undefined && !simulated ? live : undefined,
    recorded: recording !== undefined,
    openFile: useCallback((file: File) => open(openFile(file), file.name), [open]),
    openBundled: useCallback((path: string) => open(openBundled(path), "the recording"), [open]),
    close: useCallback(() => setRecording(undefined), []),
  };
}
