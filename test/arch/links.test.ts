/**
 * Whoever follows a link of the README or of a page in docs/ arrives: the file exists, and so does the
 * heading after `#`. Links to other sites are not asked, a test needs no network.
 */
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";

const repository = join(import.meta.dirname, "../..");

interface Link {
  readonly line: number;
  readonly target: string;
}

/** Inline links and images of Markdown outside fenced code and `code`. */
function linksOf(markdown: string): readonly Link[] {
  const links: Link[] = [];
  let fenced = false;
  for (const [index, text] of markdown.split("\n").entries()) {
    if (text.trimStart().startsWith("```")) fenced = !fenced;
    if (fenced) continue;
    const spoken = text.replace(/(?<!\[)`[^`]*`(?!\])/g, "");
    for (const match of spoken.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)) {
      links.push({ line: index + 1, target: match[1] ?? "" });
    }
  }
  return links;
}

/** Anchors of the headings, as GitHub makes them: lower case, no punctuation, dashes for spaces. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const match of markdown.matchAll(/^#{1,6}\s+(.*)$/gm)) {
    const plain = (match[1] ?? "").toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "");
    anchors.add(plain.trim().replaceAll(" ", "-"));
  }
  return anchors;
}

/** What is wrong with one link of one page, or nothing. */
function flawOf(page: string, link: Link): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(link.target)) return undefined;
  const [path = "", anchor] = decodeURIComponent(link.target).split("#");
  const file = path === "" ? page : join(dirname(page), path);
  const where = `${relative(repository, page)}:${link.line} ${link.target}`;
  if (relative(repository, file).startsWith("..")) return `${where}: leaves the repository`;
  if (!existsSync(file)) return `${where}: there is no such file`;
  if (anchor === undefined || anchor === "" || statSync(file).isDirectory()) return undefined;
  if (!file.endsWith(".md") || anchorsOf(readFileSync(file, "utf8")).has(anchor)) return undefined;
  return `${where}: there is no such heading`;
}

const pages = globSync(["README.md", "docs/**/*.md", "native/**/*.md", "apps/*/*.md"], {
  cwd: repository,
}).map((name) => join(repository, name));

describe("links of the documentation", () => {
  it("finds the links there are, and only those", () => {
    const text = '[a](b.md) `[c](d)`\n```\n[e](f)\n```\n[`g`](h.ts#i) ![j](<k.png> "l")';
    expect(linksOf(text)).toEqual([
      { line: 1, target: "b.md" },
      { line: 5, target: "h.ts#i" },
      { line: 5, target: "k.png" },
    ]);
  });

  it("knows a broken one", () => {
    const page = join(repository, "README.md");
    const flaw = (target: string) => flawOf(page, { line: 1, target });
    expect(flaw("docs/no-such-page.md")).toContain("no such file");
    expect(flaw("#no-such-heading")).toContain("no such heading");
    expect(flaw("../elsewhere")).toContain("leaves the repository");
    expect(flaw("#state-of-things")).toBeUndefined();
    expect(flaw("https://example.invalid/")).toBeUndefined();
  });

  it("all arrive", () => {
    expect(pages.length).toBeGreaterThan(5);
    const flaws = pages.flatMap((page) =>
      linksOf(readFileSync(page, "utf8")).flatMap((link) => flawOf(page, link) ?? []),
    );
    expect(flaws).toEqual([]);
  });
});
