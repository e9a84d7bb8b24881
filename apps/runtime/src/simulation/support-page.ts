/** The page about what the simulation has and has not: scenarios by theme, faults, and the support table. */
import { supportTable } from "../kernel/sim/index.ts";
import { castOf } from "../trace/cast.ts";
import { scenarios } from "./scenarios.ts";
import { classicMistakes } from "./what-if/classic-mistakes.ts";

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
}

/** Markdown; docs/simulator-support.md is this text, and a test keeps it so. */
export function supportPage(): string {
  const areas = [...new Set(supportTable.map(({ area }) => area))];
  const count = (level: string) => supportTable.filter((one) => one.level === level).length;
  return [
    "# What the simulation has",
    "",
    "Made by `supportPage()`; renew it with `npx vitest run -u apps/runtime/src/simulation/support-page.test.ts`.",
    "",
    "## Scenarios",
    "",
    table(
      ["`vitrine sim` ...", "what is seen", "drawn as"],
      scenarios.map(({ id, title, summary, cast }) => [
        `\`${id}\``,
        `**${title}.** ${summary}`,
        castOf(cast)?.title ?? "Vitrine",
      ]),
    ),
    "",
    "## Classic mistakes, for what-if",
    "",
    table(
      ["id", "mistake", "the fact that tells it"],
      classicMistakes.map(({ id, title, exposes }) => [`\`${id}\``, title, exposes]),
    ),
    "",
    "## The kernel",
    "",
    `${count("full")} rows in full, ${count("partial")} in part, ${count("none")} not at all: what is not there answers ENOSYS, or the errno the row says.`,
    ...areas.flatMap((area) => [
      "",
      `### ${area}`,
      "",
      table(
        ["feature", "", "note"],
        supportTable
          .filter((one) => one.area === area)
          .map(({ feature, level, note }) => [feature, level, note]),
      ),
    ]),
    "",
  ].join("\n");
}
