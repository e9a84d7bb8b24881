/** Real | Simulated: which kernel the pods of this page run on. */
export type WorldName = "real" | "simulated";

const words: Readonly<Record<WorldName, readonly [label: string, why: string]>> = {
  real: ["Real", "what vitrined does on a Linux kernel"],
  simulated: ["Simulated", "the same runtime on a model of the kernel, in this browser"],
};

export function WorldSwitch({
  world,
  onWorld,
}: {
  readonly world: WorldName;
  readonly onWorld: (world: WorldName) => void;
}) {
  return (
    <fieldset aria-label="Kernel" className="worlds">
      {(["real", "simulated"] as const).map((value) => (
        <button
          aria-pressed={value === world}
          className="world"
          key={value}
          data-world={value}
          onClick={() => onWorld(value)}
          title={words[value][1]}
          type="button"
        >
          {words[value][0]}
        </button>
      ))}
    </fieldset>
  );
}
