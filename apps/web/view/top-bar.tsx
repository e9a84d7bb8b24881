/** The bar on top: where the spans come from, how deep to look, search, and what can be taken along. */
import type { Level } from "@vitrine/runtime/trace";
import type { ReactNode } from "react";
import type { LiveState } from "../source/live-connection.ts";
import type { Origin } from "../source/trace-store.ts";
import {
  CopyIcon,
  FollowIcon,
  HelpIcon,
  Mark,
  MoonIcon,
  OpenIcon,
  SaveIcon,
  SunIcon,
  SystemIcon,
} from "./icons.tsx";
import { useDismiss } from "./use-dismiss.ts";

export type Theme = "system" | "light" | "dark";

const levelNames: Readonly<Record<number, string>> = {
  0: "Story",
  1: "Calls",
  2: "Steps",
  3: "Ops",
};
const levelWhys: Readonly<Record<number, string>> = {
  0: "the pod's life in a few arrows",
  1: "CRI calls, what a kubelet says",
  2: "steps of the runtime: network, images, shim",
  3: "ops, that is system calls",
};

export function LevelSwitch({
  level,
  onLevel,
}: {
  readonly level: Level;
  readonly onLevel: (level: Level) => void;
}) {
  return (
    <fieldset aria-label="Level of detail" className="levels">
      {([0, 1, 2, 3] as const).map((value) => (
        <button
          aria-pressed={value === level}
          className="level"
          key={value}
          onClick={() => onLevel(value)}
          title={`Level ${value}: ${levelWhys[value]} ([ and ])`}
          type="button"
        >
          <span className="level-n">{value}</span>{" "}
          <span className="level-name">{levelNames[value]}</span>
        </button>
      ))}
    </fieldset>
  );
}

const provenanceWords: Readonly<Record<Origin["provenance"], string>> = {
  live: "LIVE",
  recorded: "RECORDED",
  simulated: "SIMULATED",
  imported: "IMPORTED",
};

/** The one word: a stream that is down is not called live. */
function badgeWord(origin: Origin, live: LiveState | undefined): string {
  if (live?.link === "connecting") return "CONNECTING";
  if (live?.link === "lost") return "OFFLINE";
  return provenanceWords[origin.provenance];
}

export function Badge({
  origin,
  live,
}: {
  readonly origin: Origin;
  readonly live: LiveState | undefined;
}) {
  // Neither a stream nor a recording: there is nothing to say where it comes from.
  if (origin.provenance === "live" && live === undefined) return null;
  const down = live !== undefined && live.link !== "live";
  return (
    <span className={`badge badge-${origin.provenance}${down ? " badge-down" : ""}`} role="status">
      <span aria-hidden="true" className="badge-dot" />
      {badgeWord(origin, live)}
      {live?.link === "live" && live.behind > 0 && (
        <span className="badge-more">{live.behind} behind</span>
      )}
      {live && live.missed > 0 && (
        <span
          className="badge-gap"
          title="The stream was faster than this page; these events are not shown."
        >
          {live.missed} events lost
        </span>
      )}
    </span>
  );
}

interface ToolProps {
  readonly label: string;
  readonly onClick: () => void;
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly children: ReactNode;
}

export function Tool({ label, onClick, pressed, disabled, children }: ToolProps) {
  return (
    <button
      aria-label={label}
      aria-pressed={pressed}
      className="tool"
      disabled={disabled}
      onClick={onClick}
      title={label}
      type="button"
    >
      {children}
    </button>
  );
}

export interface TopBarProps {
  readonly origin: Origin;
  readonly live: LiveState | undefined;
  readonly level: Level;
  readonly onLevel: (level: Level) => void;
  readonly follow: boolean;
  readonly onFollow: (follow: boolean) => void;
  readonly theme: Theme;
  readonly onTheme: () => void;
  readonly onOpen: () => void;
  readonly onCopyMermaid: () => void;
  readonly onSaveRecording: () => void;
  readonly onSaveSvg: () => void;
  readonly onHelp: () => void;
  readonly search: ReactNode;
  readonly world: ReactNode;
  readonly empty: boolean;
}

function SaveMenu({ empty, onSaveRecording, onSaveSvg }: TopBarProps) {
  const menu = useDismiss();
  const choose = (act: () => void) => () => {
    menu.current?.removeAttribute("open");
    act();
  };
  return (
    <details className="menu" ref={menu}>
      <summary aria-label="Save" className="tool" title="Save">
        <SaveIcon />
      </summary>
      <div className="menu-list">
        <button disabled={empty} onClick={choose(onSaveRecording)} type="button">
          Recording <small>OTLP JSON Lines</small>
        </button>
        <button disabled={empty} onClick={choose(onSaveSvg)} type="button">
          Diagram <small>SVG</small>
        </button>
      </div>
    </details>
  );
}

export function TopBar(props: TopBarProps) {
  const { origin, theme, onTheme, follow, onFollow, empty } = props;
  const themeIcon = { system: <SystemIcon />, light: <SunIcon />, dark: <MoonIcon /> }[theme];
  return (
    <header className="top">
      <h1 className="brand">
        <Mark />
        <span>Vitrine</span>
      </h1>
      {props.world}
      <Badge live={props.live} origin={origin} />
      <span className="facts">{[origin.name, ...origin.facts].filter(Boolean).join(" · ")}</span>
      <span className="spacer" />
      {props.search}
      <LevelSwitch level={props.level} onLevel={props.onLevel} />
      <fieldset aria-label="Tools" className="tools">
        <Tool
          label="Follow the newest arrow (f)"
          onClick={() => onFollow(!follow)}
          pressed={follow}
        >
          <FollowIcon />
        </Tool>
        <Tool label="Open a recording (o)" onClick={props.onOpen}>
          <OpenIcon />
        </Tool>
        <Tool
          disabled={empty}
          label="Copy the diagram as Mermaid (c)"
          onClick={props.onCopyMermaid}
        >
          <CopyIcon />
        </Tool>
        <SaveMenu {...props} />
        <Tool label={`Theme: ${theme} (t)`} onClick={onTheme}>
          {themeIcon}
        </Tool>
        <Tool label="Keyboard and help (?)" onClick={props.onHelp}>
          <HelpIcon />
        </Tool>
      </fieldset>
    </header>
  );
}
