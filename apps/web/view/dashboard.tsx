"use client";
/** The page: pods on the left, the stage in the middle, steps and details on the right. */
import { useState } from "react";
import { EmptyState } from "./empty-state.tsx";
import { HelpDialog } from "./help-dialog.tsx";
import { PodList } from "./pod-list.tsx";
import { Ribbon } from "./ribbon.tsx";
import { ScenarioList } from "./scenario-list.tsx";
import { callsOf, nodeId } from "./scene.ts";
import { SearchBox } from "./search-box.tsx";
import { shortcutsOf } from "./shortcuts-of.ts";
import { Stage } from "./stage.tsx";
import { StepDetails } from "./step-details.tsx";
import { StepList } from "./step-list.tsx";
import { TopBar } from "./top-bar.tsx";
import { type Desk, useDesk } from "./use-desk.ts";
import { useDrop } from "./use-drop.ts";
import { usePreference } from "./use-preference.ts";
import { useShortcuts } from "./use-shortcuts.ts";
import { WorldSwitch } from "./world-switch.tsx";

export interface DashboardProps {
  /** Whether the server has a trace socket to follow. */
  readonly live: boolean;
  /** Whether the page begins simulated: there is no real kernel to show here. */
  readonly simulated: boolean;
  /** Path of the recording that comes with the project; undefined when there is none. */
  readonly recording: string | undefined;
}

interface Part {
  readonly desk: Desk;
}

function Tabs({ desk }: Part) {
  return (
    <nav aria-label="Parts of the page" className="tabs">
      {(["pods", "diagram", "steps"] as const).map((part) => (
        <button
          aria-pressed={desk.tab === part}
          key={part}
          onClick={() => desk.setTab(part)}
          type="button"
        >
          {part}
        </button>
      ))}
    </nav>
  );
}

function Top({ desk, onHelp }: Part & { readonly onHelp: () => void }) {
  return (
    <TopBar
      empty={desk.empty}
      follow={desk.follow}
      level={desk.level}
      live={desk.source.live}
      onCopyMermaid={desk.copyMermaid}
      onFollow={desk.setFollow}
      onHelp={onHelp}
      onLevel={desk.setLevel}
      onOpen={() => desk.picker.current?.click()}
      onSaveRecording={desk.saveRecording}
      onSaveSvg={desk.saveSvg}
      onTheme={desk.turnTheme}
      origin={desk.store.origin}
      search={<SearchBox input={desk.search} onFind={desk.find} steps={desk.allSteps} />}
      theme={desk.theme}
      world={<WorldSwitch onWorld={desk.setWorld} world={desk.world} />}
    />
  );
}

function Main({ desk, recording }: Part & { readonly recording: string | undefined }) {
  const { simulation } = desk.source;
  if (desk.empty && simulation !== undefined) {
    // While it runs the first arrow is a moment away; another list in between would only flicker.
    if (simulation.state.phase === "running") return null;
    return <ScenarioList onRun={desk.form.run} scenarios={simulation.state.scenarios} />;
  }
  if (desk.empty) {
    return (
      <EmptyState
        live={desk.source.live}
        onBundled={() => {
          if (recording !== undefined) void desk.source.openBundled(recording);
        }}
        onOpen={() => desk.picker.current?.click()}
        recording={recording !== undefined}
      />
    );
  }
  return (
    <Stage
      chosen={desk.selected.chosen}
      follow={desk.follow}
      level={desk.level}
      live={desk.source.live !== undefined || desk.form.watching}
      onChoose={desk.choose}
      onFollow={desk.setFollow}
      place={`${desk.podId} ${desk.source.recorded} ${desk.world} ${simulation?.state.run}`}
      scene={desk.scene}
      watermark={desk.mark}
    />
  );
}

function Side({ desk }: Part) {
  const { selected, scene } = desk;
  return (
    <aside aria-label="Steps" className="side">
      <h2 className="rail-title side-title">
        Steps <span className="count">{scene.steps.length}</span>
      </h2>
      <StepList chosen={selected.key} follow={desk.follow} onChoose={desk.choose} scene={scene} />
      {selected.step && (
        <StepDetails
          narration={desk.narrationOf(selected.step)}
          onClose={desk.closeDetails}
          onCopy={desk.copy}
          place={selected.place}
          rootNs={selected.call?.root.span.startNs ?? selected.step.span.startNs}
          step={selected.step}
        />
      )}
    </aside>
  );
}

function Picker({ desk }: Part) {
  return (
    <input
      accept=".jsonl,.json,.ndjson,application/json"
      aria-label="Recording to open"
      className="file-picker"
      onChange={(event) => {
        const file = event.target.files?.[0];
        event.target.value = "";
        if (file) void desk.source.openFile(file);
      }}
      ref={desk.picker}
      tabIndex={-1}
      type="file"
    />
  );
}

export function Dashboard({ live, simulated, recording }: DashboardProps) {
  const desk = useDesk(live, simulated);
  const [help, setHelp] = useState(false);
  const [keys, setKeys] = usePreference("keys", ["on", "off"]);
  const shortcuts = shortcutsOf(desk, () => setHelp(true));
  useShortcuts(shortcuts, keys === "on");
  const dropping = useDrop(desk.source.openFile);
  return (
    <div className={`app tab-${desk.tab}${dropping ? " dropping" : ""}`}>
      <Top desk={desk} onHelp={() => setHelp(true)} />
      <Ribbon desk={desk} live={live} />
      <Tabs desk={desk} />
      <aside className="rail">
        <PodList
          chosen={desk.podId}
          nodeCalls={callsOf(desk.store, nodeId).length}
          onChoose={desk.choosePod}
          pods={desk.store.sequence.pods.list()}
        />
      </aside>
      <main className="main">
        <Main desk={desk} recording={recording} />
      </main>
      <Side desk={desk} />
      <Picker desk={desk} />
      <HelpDialog
        lifelines={desk.scene.lifelines}
        onClose={() => setHelp(false)}
        onSingleKeys={(on) => setKeys(on ? "on" : "off")}
        open={help}
        shortcuts={shortcuts}
        singleKeys={keys === "on"}
      />
      {desk.notice}
    </div>
  );
}
