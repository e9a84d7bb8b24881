/** What can go wrong on request, with examples that a click puts into the field. */
import { faultForms } from "../source/fault-forms.ts";
import { HelpIcon } from "./icons.tsx";
import { useDismiss } from "./use-dismiss.ts";

export function FaultHelp({ onFault }: { readonly onFault: (fault: string) => void }) {
  const menu = useDismiss();
  return (
    <details className="fault-help" ref={menu}>
      <summary aria-label="What can be written as a fault" className="tool" title="What can fail">
        <HelpIcon />
      </summary>
      <section aria-label="Faults" className="fault-forms">
        <p>
          Something fails on purpose, and the runtime has to cope. An op is one system call or one
          write to a file, as level 3 draws them; they are counted from 1. Several faults stand side
          by side.
        </p>
        <dl>
          {faultForms.map(({ form, meaning, examples }) => (
            <div key={form}>
              <dt>
                <code>{form}</code>
              </dt>
              <dd>
                {meaning}
                <span className="fault-examples">
                  {examples.map((example) => (
                    <button
                      className="fault-example"
                      key={example}
                      onClick={() => onFault(example)}
                      title={`Add ${example} to the faults`}
                      type="button"
                    >
                      {example}
                    </button>
                  ))}
                </span>
              </dd>
            </div>
          ))}
        </dl>
      </section>
    </details>
  );
}
