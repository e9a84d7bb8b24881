/** Globs of AppArmor rules (apparmor.d(5), "Globbing"), each made into a regular expression once. */

const compiled = new Map<string, RegExp>();

function translate(glob: string): string {
  let out = "";
  let depth = 0;
  for (let index = 0; index < glob.length; index++) {
    const character = glob[index] as string;
    if (character === "*") {
      const across = glob[index + 1] === "*";
      if (across) index++;
      // A star that is a whole component does not match an empty one.
      const whole =
        glob[index - (across ? 2 : 1)] === "/" &&
        (index + 1 === glob.length || glob[index + 1] === "/");
      out += `${across ? "." : "[^/]"}${whole ? "+" : "*"}`;
    } else if (character === "?") {
      out += "[^/]";
    } else if (character === "[") {
      const end = glob.indexOf("]", index);
      const set = glob.slice(index + 1, end);
      // An inverted set does not match the slash between two components.
      out += set.startsWith("^") ? `[^/${set.slice(1)}]` : `[${set}]`;
      index = end;
    } else if (character === "{") {
      depth++;
      out += "(?:";
    } else if (character === "}" && depth > 0) {
      depth--;
      out += ")";
    } else if (character === "," && depth > 0) {
      out += "|";
    } else {
      out += character.replace(/[.+^$()|\\]/, "\\$&");
    }
  }
  return out;
}

/** Whether `path` matches all of `glob`. */
export function matchesGlob(glob: string, path: string): boolean {
  let expression = compiled.get(glob);
  if (expression === undefined) {
    expression = new RegExp(`^${translate(glob)}$`, "s");
    compiled.set(glob, expression);
  }
  return expression.test(path);
}
