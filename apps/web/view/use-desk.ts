/** The state of the page and everything a reader can do with it; dashboard.tsx only lays it out. */
import { type Level, type Step, stepId, subtree } from "@vitrine/runtime/trace";
import {
  type ReactNode,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { warmUpPictures } from "../diagram/picture.ts";
import { callsOf, makeScene } from "./scene.ts";
import { fileNameOf, mermaidOf, saveRecording, saveSvg } from "./take-along.ts";
import type { Theme } from "./top-bar.tsx";
import { shownLevel, useChosenStep, useShownPod } from "./use-chosen-step.ts";
import { useNotice } from "./use-notice.tsx";
import { usePreference } from "./use-preference.ts";
import { useRunForm } from "./use-run-form.ts";
import { type Say, type Source, useSource } from "./use-source.ts";
import type { WorldName } from "./world-switch.tsx";

const nextTheme: Readonly<Record<Theme, Theme>> = {
  system: "light",
  light: "dark",
  dark: "system",
};

function useTheme() {
  const [theme, setTheme] = usePreference<Theme>("theme", ["system", "light", "dark"]);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  return { theme, turnTheme: () => setTheme(nextTheme[theme]) };
}

function useLevel(): readonly [Level, (level: Level) => void] {
  const [text, setText] = usePreference("level", ["2", "0", "1", "3"]);
  const set = useCallback((to: Level) => setText(String(to) as typeof text), [setText]);
  return [Number(text) as Level, set];
}

/**
 * Which kernel: what the address says (?world=simulated, or ?scenario=...), else what the server can offer. Whoever
 * changes it changes the address, so that the same page comes back after a reload.
 */
function useWorld(simulatedFirst: boolean): readonly [WorldName, (world: WorldName) => void] {
  const [world, setWorld] = useState<WorldName>(simulatedFirst ? "simulated" : "real");
  useEffect(() => {
    const asked = new URLSearchParams(location.search);
    if (asked.get("world") === "simulated" || asked.has("scenario")) setWorld("simulated");
    else if (asked.get("world") === "real") setWorld("real");
  }, []);
  const choose = useCallback((to: WorldName) => {
    history.replaceState(null, "", `?world=${to}`);
    setWorld(to);
  }, []);
  return [world, choose];
}

/** What is drawn now. */
function useShown(source: Source) {
  const { store } = source;
  const version = useSyncExternalStore(store.subscribe, store.version, () => 0);
  const [podId, setPod] = useShownPod(store, version);
  const [level, setLevel] = useLevel();
  // biome-ignore lint/correctness/useExhaustiveDependencies: version stands for the store's content
  const scene = useMemo(() => makeScene(store, podId, level), [store, version, podId, level]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: version stands for the store's content
  const allSteps = useMemo(
    () => callsOf(store, podId).flatMap((call) => [...subtree(call.root)]),
    [store, version, podId],
  );
  const selected = useChosenStep(store, scene);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another source, another selection
  useEffect(() => {
    selected.setKey(undefined);
    setPod(undefined);
  }, [store]);
  return { store, version, podId, setPod, level, setLevel, scene, allSteps, selected };
}

type Shown = ReturnType<typeof useShown>;

/** Copying and saving what is shown. */
function takeAlong({ store, podId, scene }: Shown, say: Say) {
  const pod = store.sequence.pods.get(podId);
  const name = pod ? `${pod.namespace ? `${pod.namespace}-` : ""}${pod.name}` : "trace";
  const mark = store.origin.provenance === "simulated" ? "SIMULATED" : undefined;
  // A file goes its own ways: its name says it, too.
  const file = fileNameOf(mark === undefined ? name : `${mark}-${name}`);
  const copy = (text: string, what: string) => {
    navigator.clipboard.writeText(text).then(
      () => say(`Copied the ${what}.`),
      () => say("The browser does not allow copying.", "bad"),
    );
  };
  return {
    mark,
    copy,
    copyMermaid: () => copy(mermaidOf(scene, name, mark), "diagram as Mermaid"),
    saveRecording: () => saveRecording(store, file),
    saveSvg: () => {
      saveSvg(scene, file, mark).catch((error: Error) => say(error.message, "bad"));
    },
  };
}

export type Tab = "pods" | "diagram" | "steps";

export function useDesk(live: boolean, simulatedFirst: boolean) {
  const [notice, say] = useNotice();
  const [world, setWorld] = useWorld(simulatedFirst);
  const source = useSource(live, world, say);
  const form = useRunForm(source.simulator);
  const shown = useShown(source);
  const [followLive, setFollow] = useState(true);
  const [tab, setTab] = useState<Tab>("diagram");
  const { selected, setPod, scene, level, setLevel } = shown;
  const { setKey } = selected;
  const choose = useCallback(
    (key: string) => {
      setKey(key);
      setFollow(false);
    },
    [setKey],
  );
  useEffect(() => {
    const idle = setTimeout(warmUpPictures, 300);
    return () => clearTimeout(idle);
  }, []);
  return {
    ...shown,
    ...useTheme(),
    ...takeAlong(shown, say),
    source,
    form,
    world,
    setWorld: (to: WorldName) => {
      source.close();
      setWorld(to);
    },
    /** What the scenario that is shown says about a step. */
    narrationOf: (step: Step) => {
      const { scenarios, scenario } = source.simulator.state;
      if (source.simulation === undefined) return undefined;
      return scenarios.find(({ id }) => id === scenario)?.narration[stepId(step)];
    },
    notice: notice as ReactNode,
    tab,
    setTab,
    choose,
    follow: followLive && !source.recorded && (source.simulation === undefined || form.watching),
    setFollow,
    empty: scene.blocks.length === 0,
    search: useRef<HTMLInputElement>(null),
    picker: useRef<HTMLInputElement>(null),
    closeDetails: () => setKey(undefined),
    choosePod: (id: string) => {
      setPod(id);
      setKey(undefined);
      setTab("diagram");
    },
    /** Shows a step that may lie deeper than the level shown. */
    find: (step: Step) => {
      const needed = shownLevel(step);
      if (needed > level) setLevel(needed);
      choose(step.key);
    },
    /** Goes to the next or previous step of the list. */
    go: (by: number) => {
      const at = selected.item ? selected.item.n - 1 + by : by > 0 ? 0 : scene.steps.length - 1;
      const item = scene.steps[at];
      if (item) choose(item.row.key);
    },
  };
}

export type Desk = ReturnType<typeof useDesk>;
