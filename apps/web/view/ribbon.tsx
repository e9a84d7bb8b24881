/** Below the bar: what is shown when it is not what happens here and now, and the way back. */
import type { Cast } from "@vitrine/runtime/trace";
import type { Provenance } from "../source/trace-store.ts";
import { CloseIcon } from "./icons.tsx";
import { SimulationPanel } from "./simulation-panel.tsx";
import type { Desk } from "./use-desk.ts";

function wordsOf(provenance: Provenance): string {
  if (provenance === "simulated") return "This is a simulated run: no kernel did this.";
  if (provenance === "recorded") return "This is a recording of what a real kernel did.";
  return "This is somebody else's recording, imported; arrows are drawn from its services and spans.";
}

/** Other runtimes take the same steps with other parts: nobody shall take their lifelines for Vitrine's own. */
function CastLine({ cast }: { readonly cast: Cast | undefined }) {
  if (cast === undefined) return null;
  const played = cast.parts.runtime !== undefined;
  return (
    <p className="cast">
      <span className="cast-label">Drawn as</span> <strong>{cast.title}</strong>
      <span className="cast-why">
        {cast.why}
        {played && " Vitrine plays these parts."}
      </span>
    </p>
  );
}

export function Ribbon({ desk, live }: { readonly desk: Desk; readonly live: boolean }) {
  const { provenance, cast } = desk.store.origin;
  const { simulation } = desk.source;
  if (simulation !== undefined) {
    return (
      <div className="ribbon ribbon-simulated">
        <SimulationPanel form={desk.form} onStop={simulation.stop} state={simulation.state}>
          {!desk.empty && <CastLine cast={cast} />}
        </SimulationPanel>
      </div>
    );
  }
  if (!desk.source.recorded) return null;
  return (
    <div className={`ribbon ribbon-${provenance}`} role="status">
      <div className="ribbon-words">
        <span>{wordsOf(provenance)}</span>
        <CastLine cast={cast} />
      </div>
      <button className="button button-small" onClick={desk.source.close} type="button">
        <CloseIcon /> {live ? "Back to live" : "Close"}
      </button>
    </div>
  );
}
