/** Pods and their containers with the state the spans tell, and the node's own calls. */
import type { ContainerView, PodView } from "@vitrine/runtime/trace";
import { printable } from "@vitrine/runtime/trace";
import { nodeId } from "./scene.ts";

const tone: Readonly<Record<string, string>> = {
  creating: "busy",
  starting: "busy",
  stopping: "busy",
  removing: "busy",
  ready: "good",
  running: "good",
  created: "calm",
  failed: "bad",
};

export function StateMark({ state }: { readonly state: string }) {
  return (
    <span className={`state state-${tone[state] ?? "off"}`}>
      <span aria-hidden="true" className="state-dot" />
      {state}
    </span>
  );
}

function stateText(container: ContainerView): string {
  if (container.state !== "exited" || container.exitCode === undefined) return container.state;
  return `exited ${container.exitCode}`;
}

function Container({ container }: { readonly container: ContainerView }) {
  const failed = container.state === "exited" && (container.exitCode ?? 0) !== 0;
  return (
    <li className="container-row">
      <span className="container-name" title={container.id}>
        {printable(container.name || container.id.slice(0, 12), 40)}
      </span>
      <span className={`state state-${failed ? "bad" : (tone[container.state] ?? "off")}`}>
        <span aria-hidden="true" className="state-dot" />
        {stateText(container)}
      </span>
    </li>
  );
}

interface PodRowProps {
  readonly pod: PodView;
  readonly chosen: boolean;
  readonly onChoose: (id: string) => void;
}

function PodRow({ pod, chosen, onChoose }: PodRowProps) {
  const name = printable(pod.name || pod.sandboxId?.slice(0, 12) || "pod", 60);
  return (
    <li className={chosen ? "pod pod-chosen" : "pod"}>
      <button
        aria-current={chosen ? "true" : undefined}
        className="pod-button"
        onClick={() => onChoose(pod.id)}
        type="button"
      >
        <span className="pod-title">
          <span className="pod-name">{name}</span>
          <StateMark state={pod.state} />
        </span>
        <span className="pod-detail">
          {[pod.namespace && printable(pod.namespace, 40), pod.ip].filter(Boolean).join(" · ") ||
            "\u00a0"}
        </span>
      </button>
      {pod.containers.length > 0 && (
        <ul aria-label={`Containers of ${name}`} className="containers">
          {pod.containers.map((container) => (
            <Container container={container} key={container.id} />
          ))}
        </ul>
      )}
    </li>
  );
}

export interface PodListProps {
  readonly pods: readonly PodView[];
  readonly nodeCalls: number;
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

export function PodList({ pods, nodeCalls, chosen, onChoose }: PodListProps) {
  return (
    <nav aria-label="Pods" className="pods">
      <h2 className="rail-title">
        Pods <span className="count">{pods.length}</span>
      </h2>
      {pods.length === 0 && <p className="rail-empty">None yet.</p>}
      <ul className="pod-list">
        {pods.toReversed().map((pod) => (
          <PodRow chosen={pod.id === chosen} key={pod.id} onChoose={onChoose} pod={pod} />
        ))}
      </ul>
      {nodeCalls > 0 && (
        <>
          <h2 className="rail-title">{pods.length > 0 ? "Node" : "Trace"}</h2>
          <ul className="pod-list">
            <li className={chosen === nodeId ? "pod pod-chosen" : "pod"}>
              <button
                aria-current={chosen === nodeId ? "true" : undefined}
                className="pod-button"
                onClick={() => onChoose(nodeId)}
                type="button"
              >
                <span className="pod-title">
                  <span className="pod-name">
                    {pods.length > 0 ? "Images and others" : "All calls"}
                  </span>
                  <span className="count">{nodeCalls}</span>
                </span>
              </button>
            </li>
          </ul>
        </>
      )}
    </nav>
  );
}
