/** Everything known about the chosen step: why it happens, the op, its attributes, where it is specified. */
import {
  type AttributeValue,
  attribute,
  endsOf,
  errorOf,
  formatDuration,
  labelOf,
  lifelineTitle,
  lifelineWhy,
  printable,
  type Step,
  spanToOtlp,
  stateOf,
  stepId,
} from "@vitrine/runtime/trace";
import { CloseIcon, CopyIcon, ErrorIcon, LinkIcon } from "./icons.tsx";
import { StateMark } from "./pod-list.tsx";
import { clockTime } from "./time.ts";

function valueText(value: AttributeValue): string {
  return printable(typeof value === "object" ? value.join(" ") : String(value), 2_000);
}

/** Attributes that have their own place in the panel. */
const placed: ReadonlySet<string> = new Set([attribute.op, attribute.step]);

function Attributes({ step }: { readonly step: Step }) {
  const entries = [...step.span.attributes].filter(([key]) => !placed.has(key));
  if (entries.length === 0) return null;
  const meaning = step.entry?.attributes ?? {};
  return (
    <table className="attributes">
      <caption>Attributes</caption>
      <tbody>
        {entries.map(([key, value]) => (
          <tr key={key}>
            <th scope="row" title={Object.hasOwn(meaning, key) ? meaning[key] : undefined}>
              {printable(key, 80)}
            </th>
            <td>{valueText(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Ends({ step }: { readonly step: Step }) {
  const { from, to } = endsOf(step);
  return (
    <p className="ends">
      <span className={`chip lifeline-${from}`} title={lifelineWhy(from)}>
        {lifelineTitle(from)}
      </span>
      <span> → </span>
      <span className={`chip lifeline-${to}`} title={lifelineWhy(to)}>
        {lifelineTitle(to)}
      </span>
    </p>
  );
}

function Times({ step, rootNs }: { readonly step: Step; readonly rootNs: bigint }) {
  const { span } = step;
  const inside = step.children.length;
  return (
    <dl className="times">
      <div>
        <dt>took</dt>
        <dd>{span.endNs === undefined ? "running" : formatDuration(span.endNs - span.startNs)}</dd>
      </div>
      <div>
        <dt>began</dt>
        <dd>
          {clockTime(span.startNs)}
          {span.startNs > rootNs && <small> +{formatDuration(span.startNs - rootNs)}</small>}
        </dd>
      </div>
      {inside > 0 && (
        <div>
          <dt>inside</dt>
          <dd>{inside === 1 ? "1 step" : `${inside} steps`}</dd>
        </div>
      )}
    </dl>
  );
}

function Failure({ step }: { readonly step: Step }) {
  const error = errorOf(step.span);
  if (error === undefined) return null;
  return (
    <p className="failure" role="note">
      <ErrorIcon />
      <span>
        <strong>{error}</strong>
        {step.span.statusMessage !== "" && ` ${printable(step.span.statusMessage, 600)}`}
      </span>
    </p>
  );
}

function Why({ step }: { readonly step: Step }) {
  const entry = step.entry;
  if (!entry) {
    return (
      <p className="why">
        This span comes from another program; its name is all that is known of it.
      </p>
    );
  }
  return (
    <p className="why">
      {entry.why}{" "}
      {/^https:\/\//.test(entry.link) && (
        <a className="spec" href={entry.link} rel="noopener noreferrer" target="_blank">
          {new URL(entry.link).hostname.replace(/^www\./, "")} <LinkIcon />
        </a>
      )}
    </p>
  );
}

function Events({ step }: { readonly step: Step }) {
  const { events, startNs } = step.span;
  if (events.length === 0) return null;
  return (
    <section className="events">
      <h4>Events</h4>
      <ol>
        {events.map((event, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: events of a span are a fixed list
          <li key={index}>
            <span className="event-time">+{formatDuration(event.timeNs - startNs)}</span>{" "}
            {printable(event.name, 120)}
          </li>
        ))}
      </ol>
    </section>
  );
}

export interface StepDetailsProps {
  readonly step: Step;
  readonly rootNs: bigint;
  /** What the scenario says about it; undefined when it says nothing. */
  readonly narration: string | undefined;
  /** "step 14 of 80". */
  readonly place: string;
  readonly onClose: () => void;
  readonly onCopy: (text: string, what: string) => void;
}

export function StepDetails(props: StepDetailsProps) {
  const { step, rootNs, narration, place, onClose, onCopy } = props;
  const op = step.span.attributes.get(attribute.op);
  const state = stateOf(step.span);
  return (
    <section aria-label="Details of the step" className="details">
      <header className="details-head">
        <span className="details-place">{place}</span>
        <StateMark state={state} />
        <span className="spacer" />
        <button
          aria-label="Copy the span as OTLP JSON"
          className="tool"
          onClick={() => onCopy(JSON.stringify(spanToOtlp(step.span), null, 2), "span")}
          title="Copy the span as OTLP JSON"
          type="button"
        >
          <CopyIcon />
        </button>
        <button
          aria-label="Close details"
          className="tool"
          onClick={onClose}
          title="Close (Esc)"
          type="button"
        >
          <CloseIcon />
        </button>
      </header>
      <div className="details-body">
        <h3 className="details-title">{labelOf(step)}</h3>
        <Ends step={step} />
        <Failure step={step} />
        {narration !== undefined && <p className="narration">{narration}</p>}
        <Why step={step} />
        {typeof op === "string" && <pre className="op">{printable(op, 4_000)}</pre>}
        <Times rootNs={rootNs} step={step} />
        <Attributes step={step} />
        <Events step={step} />
        <p className="ids">
          {stepId(step)} · trace {step.span.traceId.slice(0, 12)} · span {step.span.spanId}
        </p>
      </div>
    </section>
  );
}
