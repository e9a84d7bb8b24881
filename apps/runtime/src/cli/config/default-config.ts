/** The configuration as a commented file, and as the reference page docs/configuration.md. */
import { configKeys, runtimeKeys, runtimesPath } from "./config-keys.ts";
import { pathText } from "./parse-config.ts";

interface Documented {
  readonly path: readonly string[];
  readonly default: unknown;
  readonly doc: string;
}

const lineCells = 96;

function comment(text: string): string {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + word.length + 1 > lineCells) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line].join("\n");
}

function tomlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlValue).join(", ")}]`;
  return JSON.stringify(value);
}

function byTable(keys: readonly Documented[]): ReadonlyMap<string, Documented[]> {
  const tables = new Map<string, Documented[]>();
  for (const key of keys) {
    const table = pathText(key.path.slice(0, -1));
    tables.set(table, [...(tables.get(table) ?? []), key]);
  }
  return tables;
}

function documentedKeys(): readonly Documented[] {
  const runtime = Object.values(runtimeKeys).map((key) => ({
    ...key,
    path: [...runtimesPath[3], "vitrine", ...key.path],
  }));
  return [...Object.values(configKeys), ...runtime];
}

/** A file with every key, its documentation and its default; parsing it gives the defaults. */
export function defaultConfig(): string {
  const parts = [
    "# Configuration of vitrined. Every key is here with its default value.\nversion = 3\n",
  ];
  for (const [table, keys] of byTable(documentedKeys())) {
    if (table !== "") parts.push(`[${table}]\n`);
    for (const key of keys) {
      parts.push(
        `${comment(key.doc)}\n${pathText(key.path.slice(-1))} = ${tomlValue(key.default)}\n`,
      );
    }
  }
  return parts.join("\n");
}

/** docs/configuration.md. */
export function configurationPage(): string {
  const places2 = new Map<string, string>();
  for (const key of Object.values(configKeys)) {
    if ("path2" in key) places2.set(pathText(key.path), pathText(key.path2));
  }
  const head = `# Configuration

\`vitrined\` reads \`/etc/vitrine/config.toml\`, or the file that \`--config\` names; without a file the defaults hold.
The shape is that of containerd's config.toml, so that what people know of it stays true: \`version = 3\`, or
\`version = 2\` with the older names. An unknown key is an error that names the nearest known one.
\`vitrined config default\` prints the whole file, commented; \`vitrined config check\` says what is wrong with one.

Options of the command line win over the file: \`--root\`, \`--state\`, \`--socket\`, \`--record\`, \`--log-level\`.
Spans are exported by the standard variables (\`OTEL_EXPORTER_OTLP_ENDPOINT\`, \`OTEL_EXPORTER_OTLP_PROTOCOL\`,
\`OTEL_TRACES_SAMPLER\`, \`OTEL_RESOURCE_ATTRIBUTES\`, \`OTEL_SERVICE_NAME\`, \`OTEL_BSP_*\`), and only when they ask for it.

This page is made from the table the parser works with: \`node apps/runtime/src/cli/vitrined.mjs config docs\`.
`;
  const sections = [...byTable(documentedKeys())].map(([table, keys]) => {
    const title = table === "" ? "## Top level" : `## \`[${table}]\``;
    const items = keys.map((key) => {
      const place2 = places2.get(pathText(key.path));
      const older = place2 === undefined ? "" : ` In version 2: \`${place2}\`.`;
      return `- \`${pathText(key.path.slice(-1))} = ${tomlValue(key.default)}\`: ${key.doc}${older}`;
    });
    return `${title}\n\n${items.join("\n")}\n`;
  });
  return `${head}\n${sections.join("\n")}`;
}
