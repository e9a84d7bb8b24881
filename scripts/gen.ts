/**
 * Writes the TypeScript types of the CRI messages (apps/runtime/src/api/gen) from proto/.
 *
 *   node scripts/gen.ts           write the files
 *   node scripts/gen.ts --check   exit 1 when they are out of date
 *
 * The types say what the codec in apps/runtime/src/cri/codec.ts hands out: 64-bit integers as numbers, enums as
 * their names, repeated fields and maps always there, absent messages undefined.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import { fieldName } from "../apps/runtime/src/api/field-name.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const outputDirectory = join(repository, "apps/runtime/src/api/gen");

const numberTypes = new Set(
  "double float int32 uint32 sint32 fixed32 sfixed32 int64 uint64 sint64 fixed64 sfixed64".split(
    " ",
  ),
);

/** Reads one .proto file of proto/ and what it imports, comments kept. */
function load(file: string): protobuf.Root {
  const root = new protobuf.Root();
  root.loadSync(join(repository, "proto", file), { keepCase: true, alternateCommentMode: true });
  root.resolveAll();
  return root;
}

/** The TypeScript type of one value of a field, and the declaration it comes from, if any. */
function valueType(field: protobuf.Field): string {
  if (field.resolvedType !== null) return field.resolvedType.name;
  if (numberTypes.has(field.type)) return "number";
  if (field.type === "bool") return "boolean";
  if (field.type === "bytes") return "Uint8Array";
  return "string";
}

/** A doc comment from a comment of the .proto file; nothing when there was none. */
function docComment(comment: string | null, indent: string): string {
  if (comment === null || comment === "") return "";
  const lines = comment.split("\n").map((line) => line.trim());
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}\n`).join("")}${indent} */\n`;
}

function fieldDeclaration(field: protobuf.Field): string {
  const type = valueType(field);
  const name = fieldName(field.name);
  const comment = docComment(field.comment, "  ");
  if (field.map) return `${comment}  readonly ${name}: Readonly<Record<string, ${type}>>;\n`;
  if (field.repeated) return `${comment}  readonly ${name}: readonly ${type}[];\n`;
  if (field.resolvedType instanceof protobuf.Type) {
    return `${comment}  readonly ${name}?: ${type} | undefined;\n`;
  }
  return `${comment}  readonly ${name}: ${type};\n`;
}

function messageDeclaration(type: protobuf.Type): string {
  const nested = type.nestedArray
    .filter((inner) => inner instanceof protobuf.Enum)
    .map(enumDeclaration)
    .join("");
  const comment = docComment(type.comment, "");
  if (type.fieldsArray.length === 0) {
    return `${nested}${comment}export type ${type.name} = Readonly<Record<never, never>>;\n\n`;
  }
  const fields = type.fieldsArray.map(fieldDeclaration).join("");
  return `${nested}${comment}export interface ${type.name} {\n${fields}}\n\n`;
}

function enumDeclaration(type: protobuf.Enum): string {
  const names = Object.keys(type.values).map((name) => `  | "${name}"`);
  return `${docComment(type.comment, "")}export type ${type.name} =\n${names.join("\n")};\n\n`;
}

/** Every RPC with its types: what a server implements and a client calls. */
function serviceDeclaration(service: protobuf.Service): string {
  const methods = service.methodsArray.map((method) => {
    const stream = method.responseStream === true;
    return `  ${method.name}: {\n    readonly request: ${method.resolvedRequestType?.name};\n    readonly response: ${method.resolvedResponseType?.name};\n    readonly stream: ${stream};\n  };\n`;
  });
  return `${docComment(service.comment, "")}export interface ${service.name}Methods {\n${methods.join("")}}\n\n`;
}

/** Types of other files that the declarations in `text` name. */
function importLines(text: string, file: string, homes: ReadonlyMap<string, string>): string {
  const wanted = new Map<string, string[]>();
  for (const [name, home] of [...homes].sort()) {
    if (home === file || !new RegExp(`: (readonly )?${name}\\b|, ${name}>`).test(text)) continue;
    wanted.set(home, [...(wanted.get(home) ?? []), name]);
  }
  return [...wanted]
    .sort()
    .map(([home, names]) => `import type { ${names.join(", ")} } from "./${home}.ts";\n`)
    .join("");
}

type Declared = protobuf.Type | protobuf.Enum | protobuf.Service;

function declaration(entry: Declared): string {
  if (entry instanceof protobuf.Type) return messageDeclaration(entry);
  if (entry instanceof protobuf.Enum) return enumDeclaration(entry);
  return serviceDeclaration(entry);
}

/** The generated files, name to content. */
export function generate(): ReadonlyMap<string, string> {
  const packages = [
    load("api.proto").lookup("runtime.v1"),
    load("vitrine.proto").lookup("vitrine.v1"),
  ];
  const entries = packages.flatMap((found) =>
    found instanceof protobuf.Namespace ? (found.nestedArray as Declared[]) : [],
  );
  const homes = new Map<string, string>();
  const nestedEnums = (entry: Declared) =>
    entry instanceof protobuf.Type ? entry.nestedArray.map((inner) => inner.name) : [];
  for (const entry of entries) {
    const home = basename(entry.filename ?? "", ".proto");
    if (entry instanceof protobuf.Service) continue;
    for (const name of [entry.name, ...nestedEnums(entry)]) homes.set(name, home);
  }
  const files = new Map<string, string>();
  for (const home of new Set(entries.map((entry) => basename(entry.filename ?? "", ".proto")))) {
    const body = entries
      .filter((entry) => basename(entry.filename ?? "", ".proto") === home)
      .map(declaration)
      .join("");
    const header = `// Generated from proto/${home}.proto by scripts/gen.ts; do not edit.\n`;
    files.set(`${home}.ts`, `${header}${importLines(body, home, homes)}\n${body.trimEnd()}\n`);
  }
  return files;
}

/** Names of generated files whose content on disk is not what `generate` gives, missing and stray ones included. */
export function staleFiles(): readonly string[] {
  const files = generate();
  const onDisk = readdirSync(outputDirectory);
  return [
    ...[...files.keys()].filter(
      (name) =>
        !onDisk.includes(name) ||
        readFileSync(join(outputDirectory, name), "utf8") !== files.get(name),
    ),
    ...onDisk.filter((name) => !files.has(name)),
  ];
}

function main(): void {
  if (process.argv.includes("--check")) {
    const stale = staleFiles();
    if (stale.length === 0) return;
    process.stderr.write(`out of date: ${stale.join(", ")}; run: node scripts/gen.ts\n`);
    process.exitCode = 1;
    return;
  }
  rmSync(outputDirectory, { recursive: true, force: true });
  mkdirSync(outputDirectory, { recursive: true });
  for (const [name, content] of generate()) writeFileSync(join(outputDirectory, name), content);
}

if (import.meta.main) main();
