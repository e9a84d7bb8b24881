/** Reads every source file and lists the breaks of rules.ts, each with how to mend it. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { bannedFileNames, bans, type Folder, folders, nativeFolders } from "./rules.ts";

const repository = join(import.meta.dirname, "../..");
const source = join(repository, "apps/runtime/src");

export interface SourceFile {
  /** Path from the repository's root. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
}

/** Every hand-written file that matches, generated and built ones left out. */
export function sourceFiles(pattern: string): readonly SourceFile[] {
  return globSync(pattern, { cwd: repository })
    .filter((path) => !/node_modules|\.next|\/gen\/|\/build\//.test(path))
    .map((path) => {
      const text = readFileSync(join(repository, path), "utf8");
      return { path, text, lines: text.split("\n").length - 1 };
    });
}

function folderOf(path: string): Folder | undefined {
  return folders
    .filter((folder) => path === folder.path || path.startsWith(`${folder.path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

function importsOf(text: string): readonly string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "");
  const found = code.matchAll(
    /^\s*(?:import|export)\s[^;"'`=]*?\sfrom\s+"([^"]+)"|^\s*import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

function breaksOfImport(file: SourceFile, folder: Folder, specifier: string): readonly string[] {
  const test = file.path.endsWith(".test.ts");
  if (!specifier.startsWith(".")) {
    if (folder.pure && !test) {
      return [`${file.path}: pure code imports "${specifier}"; put it behind the World instead`];
    }
    const native = specifier === "koffi" || /^(node:)?child_process$/.test(specifier);
    if (native && !test && !nativeFolders.includes(folder.path)) {
      return [`${file.path}: only ${nativeFolders.join(", ")} may import "${specifier}"`];
    }
    return [];
  }
  // A test may look anywhere; what it tests may not.
  if (test) return [];
  const target = relative(source, normalize(join(repository, dirname(file.path), specifier)));
  if (target.startsWith("..")) return [`${file.path}: imports ${specifier}, outside of src`];
  const other = folderOf(target);
  if (other === undefined || other.path === folder.path) return [];
  if (folder.mayImport.includes(other.path)) return [];
  const allowed = folder.mayImport.join(", ") || "nothing";
  return [
    `${file.path}: ${folder.path}/ imports ${other.path}/ (${specifier}); it may import ${allowed}. Move the shared part down, or pass it in`,
  ];
}

/** Breaks of the import arrows and of the ban list in apps/runtime/src. */
export function importBreaks(): readonly string[] {
  const breaks: string[] = [];
  for (const file of sourceFiles("apps/runtime/src/**/*.ts")) {
    const folder = folderOf(relative("apps/runtime/src", file.path));
    if (folder === undefined) {
      if (!file.path.endsWith(".d.ts")) breaks.push(`${file.path}: not in any folder of the house`);
      continue;
    }
    for (const specifier of importsOf(file.text)) {
      breaks.push(...breaksOfImport(file, folder, specifier));
    }
    if (!folder.pure || file.path.endsWith(".test.ts")) continue;
    for (const { pattern, instead } of bans) {
      const code = file.text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
      if (pattern.test(code))
        breaks.push(`${file.path}: ${pattern.source} is banned here; use ${instead}`);
    }
  }
  return breaks;
}

/** The page may reach the runtime only through the package's exports. */
export function webBreaks(): readonly string[] {
  const breaks: string[] = [];
  for (const file of sourceFiles("apps/web/**/*.{ts,tsx}")) {
    for (const specifier of importsOf(file.text)) {
      if (/\bruntime\/src\b/.test(specifier) || specifier.startsWith("../../runtime")) {
        breaks.push(`${file.path}: imports ${specifier}; use @vitrine/runtime/<export>`);
      }
    }
  }
  return breaks;
}

/** Files with names that say nothing. */
export function nameBreaks(): readonly string[] {
  return sourceFiles("{apps,test,scripts}/**/*.{ts,tsx}")
    .filter((file) => bannedFileNames.some((name) => file.path.endsWith(`/${name}`)))
    .map((file) => `${file.path}: name the file after what it holds`);
}

/** Words that belong to policy and have no place in the executor and the shim. */
export function policyBreaks(): readonly string[] {
  return sourceFiles("native/{exec,shim,lib,include}/**/*.{c,h}")
    .filter((file) => /\b(?:kubelet|json)\b/i.test(file.text.replace(/\/\*[\s\S]*?\*\//g, "")))
    .map((file) => `${file.path}: C decides nothing and parses no JSON; move it to TypeScript`);
}
