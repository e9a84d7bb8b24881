"use client";
/** The page: pods on the left, the stage in the middle, steps and details on the right. */
import type { Level, Step } from "@vitrine/runtime/trace";
import { levelOf, subtree } from "@vitrine/runtime/trace";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { warmUpPictures } from "../diagram/picture.ts";
import { EmptyState } from "./empty-state.tsx";
import { HelpDialog } from "./help-dialog.tsx";
import { CloseIcon } from "./icons.tsx";
import { PodList } from "./pod-list.tsx";
import { callsOf, emptyScene, makeScene, nodeId } from "./scene.ts";
import { SearchBox } from "./search-box.tsx";
import { type Chosen, Stage } from "./stage.tsx";
import { StepDetails } from "./step-details.tsx";
import { StepList } from "./step-list.tsx";
import { fileNameOf, mermaidOf, saveRecording, saveSvg } from "./take-along.ts";
import { type Theme, TopBar } from "./top-bar.tsx";
import { useDrop } from "./use-drop.ts";
import { useNotice } from "./use-notice.tsx";
import { usePreference } from "./use-preference.ts";
import { type Shortcut, useShortcuts } from "./use-shortcuts.ts";
import { type Source, useSource } from "./use-source.ts";

export interface DashboardProps {
  /** Whether the server has a trace socket to follow. */
  readonly live: boolean;
  /** Path of the recording that comes with the project; undefined when there is none. */
  readonly recording: string | undefined;
}

/** Which pod is shown: the one the reader chose, else the newest, else the node's calls. */
function useShownPod(source: Source, version: number) {
  const [picked, setPicked] = useState<string>();
  const { store } = source;
  // biome-ignore lint/correctness/useExhaustiveDependencies: version stands for the store's content
  const shown = useMemo(() => {
    const pods = store.sequence.pods.list();
    const valid = picked === nodeId || (picked !== undefined && store.sequence.pods.get(picked));
    return valid ? picked : (pods.at(-1)?.id ?? nodeId);
  }, [store, version, picked]);
  return [shown, setPicked] as const;
}

/** The level a step shows at, its ancestors' depth counted where the catalogue does not know it. */
function shownLevel(step: Step): Level {
  const chain: Step[] = [];
  for (let above: Step | undefined = step; above; above = above.parent) chain.unshift(above);
  return chain.reduce((level, each) => levelOf(each, level), 0 as number) as Level;
}

function useChosenStep(source: Source, scene: ReturnType<typeof makeScene>) {
  const [key, setKey] = useState<string>();
  const step = key === undefined ? undefined : source.store.sequence.steps.get(key);
  const item = scene.steps.find((candidate) => candidate.row.key === key);
  const call = step && source.store.sequence.call(step);
  const blockKey = item?.block.key ?? call?.key ?? "";
  const chosen = useMemo<Chosen | undefined>(
    () => (key === undefined ? undefined : { key, blockKey }),
    [key, blockKey],
  );
  const place = item ? `step ${item.n} of ${scene.steps.length}` : "folded step";
  return { key, setKey, step, item, call, chosen, place };
}

export function Dashboard({ live, recording }: DashboardProps) {
  const [notice, say] = useNotice();
  const source = useSource(live, say);
  const { store } = source;
  const version = useSyncExternalStore(store.subscribe, store.version, () => 0);
  const [podId, setPod] = useShownPod(source, version);
  const [levelText, setLevelText] = usePreference("level", ["2", "0", "1", "3"]);
  const level = Number(levelText) as Level;
  const setLevel = useCallback((to: Level) => setLevelText(String(to) as "0"), [setLevelText]);
  const [theme, setTheme] = usePreference<Theme>("theme", ["system", "light", "dark"]);
  const [keys, setKeys] = usePreference("keys", ["on", "off"]);
  const [followLive, setFollowLive] = useState(true);
  const [help, setHelp] = useState(false);
  const [tab, setTab] = useState<"pods" | "diagram" | "steps">("diagram");
  const search = useRef<HTMLInputElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const follow = followLive && !source.recorded;

  // biome-ignore lint/correctness/useExhaustiveDependencies: version stands for the store's content
  const scene = useMemo(() => makeScene(store, podId, level), [store, version, podId, level]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: version stands for the store's content
  const allSteps = useMemo(
    () => callsOf(store, podId).flatMap((call) => [...subtree(call.root)]),
    [store, version, podId],
  );
  const selected = useChosenStep(source, scene);
  const choose = useCallback(
    (key: string) => {
      selected.setKey(key);
      setFollowLive(false);
    },
    [selected.setKey],
  );
  const pod = store.sequence.pods.get(podId);
  const name = pod ? `${pod.namespace ? `${pod.namespace}-` : ""}${pod.name}` : "trace";
  const mark = store.origin.provenance === "simulated" ? "SIMULATED" : undefined;
  const empty = scene.blocks.length === 0;

  const copy = useCallback(
    (text: string, what: string) => {
      navigator.clipboard.writeText(text).then(
        () => say(`Copied the ${what}.`),
        () => say("The browser does not allow copying.", "bad"),
      );
    },
    [say],
  );
  const find = (step: Step) => {
    const needed = shownLevel(step);
    if (needed > level) setLevel(needed);
    choose(step.key);
  };
  const go = (by: number) => {
    const at = selected.item ? selected.item.n - 1 + by : by > 0 ? 0 : scene.steps.length - 1;
    const item = scene.steps[at];
    if (item) choose(item.row.key);
  };
  const pick = () => picker.current?.click();
  const copyMermaid = () => copy(mermaidOf(scene, name, mark), "diagram as Mermaid");
  const shortcuts: Shortcut[] = [
    {
      keys: ["["],
      what: "fold: one level up",
      act: () => setLevel(Math.max(0, level - 1) as Level),
    },
    {
      keys: ["]"],
      what: "unfold: one level down",
      act: () => setLevel(Math.min(3, level + 1) as Level),
    },
    { keys: ["."], what: "next step", act: () => go(1) },
    { keys: [","], what: "previous step", act: () => go(-1) },
    { keys: ["/"], what: "search", act: () => search.current?.focus() },
    { keys: ["f"], what: "follow the newest arrow", act: () => setFollowLive(!followLive) },
    { keys: ["o"], what: "open a recording", act: pick },
    { keys: ["c"], what: "copy the diagram as Mermaid", act: copyMermaid },
    {
      keys: ["t"],
      what: "theme: system, light, dark",
      act: () => setTheme(theme === "system" ? "light" : theme === "light" ? "dark" : "system"),
    },
    { keys: ["?"], what: "this help", act: () => setHelp(true) },
    { keys: ["Escape"], what: "close the details", act: () => selected.setKey(undefined) },
  ];
  useShortcuts(shortcuts, keys === "on");
  const dropping = useDrop(source.openFile);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another source, another selection
  useEffect(() => {
    selected.setKey(undefined);
    setPod(undefined);
  }, [store]);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);

  useEffect(() => {
    const idle = setTimeout(warmUpPictures, 300);
    return () => clearTimeout(idle);
  }, []);

  const pods = store.sequence.pods.list();
  const nodeCalls = callsOf(store, nodeId).length;
  return (
    <div className={`app tab-${tab}${dropping ? " dropping" : ""}`} data-version={version}>
      <TopBar
        empty={empty}
        follow={follow}
        level={level}
        live={source.live}
        onCopyMermaid={copyMermaid}
        onFollow={setFollowLive}
        onHelp={() => setHelp(true)}
        onLevel={setLevel}
        onOpen={pick}
        onSaveRecording={() => saveRecording(store, fileNameOf(name))}
        onSaveSvg={() => {
          saveSvg(scene, fileNameOf(name), mark).catch((error: Error) => say(error.message, "bad"));
        }}
        onTheme={setTheme}
        origin={store.origin}
        search={<SearchBox input={search} onFind={find} steps={allSteps} />}
        theme={theme}
      />
      {source.recorded && (
        <div className={`ribbon ribbon-${store.origin.provenance}`} role="status">
          <span>{ribbonWords(store.origin.provenance)}</span>
          <button className="button button-small" onClick={source.close} type="button">
            <CloseIcon /> {live ? "Back to live" : "Close"}
          </button>
        </div>
      )}
      <nav aria-label="Parts of the page" className="tabs">
        {(["pods", "diagram", "steps"] as const).map((part) => (
          <button aria-pressed={tab === part} key={part} onClick={() => setTab(part)} type="button">
            {part}
          </button>
        ))}
      </nav>
      <aside className="rail">
        <PodList
          chosen={podId}
          nodeCalls={nodeCalls}
          onChoose={(id) => {
            setPod(id);
            selected.setKey(undefined);
            setTab("diagram");
          }}
          pods={pods}
        />
      </aside>
      <main className="main">
        {empty ? (
          <EmptyState
            live={source.live}
            onBundled={() => {
              if (recording !== undefined) void source.openBundled(recording);
            }}
            onOpen={pick}
            recording={recording !== undefined}
          />
        ) : (
          <Stage
            chosen={selected.chosen}
            follow={follow}
            level={level}
            live={source.live !== undefined}
            onChoose={choose}
            onFollow={setFollowLive}
            place={`${podId} ${source.recorded}`}
            scene={scene}
            watermark={mark}
          />
        )}
      </main>
      <aside aria-label="Steps" className="side">
        <h2 className="rail-title side-title">
          Steps <span className="count">{scene.steps.length}</span>
        </h2>
        <StepList
          chosen={selected.key}
          follow={follow}
          onChoose={choose}
          scene={empty ? emptyScene : scene}
        />
        {selected.step && (
          <StepDetails
            onClose={() => selected.setKey(undefined)}
            onCopy={copy}
            place={selected.place}
            rootNs={selected.call?.root.span.startNs ?? selected.step.span.startNs}
            step={selected.step}
          />
        )}
      </aside>
      <input
        accept=".jsonl,.json,.ndjson,application/json"
        aria-label="Recording to open"
        className="file-picker"
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file) void source.openFile(file);
        }}
        ref={picker}
        tabIndex={-1}
        type="file"
      />
      <HelpDialog
        onClose={() => setHelp(false)}
        onSingleKeys={(on) => setKeys(on ? "on" : "off")}
        open={help}
        shortcuts={shortcuts}
        singleKeys={keys === "on"}
      />
      {notice}
    </div>
  );
}

function ribbonWords(provenance: string): string {
  if (provenance === "simulated") return "This is a simulated run: no kernel did this.";
  if (provenance === "recorded") return "This is a recording of what a real kernel did.";
  return "This is somebody else's recording, imported; arrows are drawn from its services and spans.";
}
