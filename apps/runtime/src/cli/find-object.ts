/** From what a person types, a prefix of an id or a name, to the one pod or container it means. */
import type { Container, PodSandbox } from "../api/index.ts";
import type { CommandInput } from "./command.ts";
import { ProgramError } from "./program-error.ts";

export type Found =
  | { readonly kind: "pod"; readonly pod: PodSandbox }
  | { readonly kind: "container"; readonly container: Container };

type Lists = Pick<CommandInput, "client" | "context">;

function matches(word: string, id: string, name: string | undefined): boolean {
  return id.startsWith(word) || name === word;
}

function theOne<T extends { readonly id: string }>(
  what: string,
  word: string,
  found: readonly T[],
  list: string,
): T {
  const [first] = found;
  if (first === undefined)
    throw new ProgramError(`there is no ${what} ${word}; ${list} lists what there is`);
  if (found.length === 1) return first;
  // Of several containers of one name, restarts mostly, an exact id is still unambiguous.
  const exact = found.find(({ id }) => id === word);
  if (exact !== undefined) return exact;
  const ids = found.map(({ id }) => id.slice(0, 13)).join(", ");
  throw new ProgramError(`${word} means more than one ${what}: ${ids}; give more of the id`);
}

/** The container of an id prefix or name. ProgramError when there is none or more than one. */
export async function findContainer({ client, context }: Lists, word: string): Promise<Container> {
  const { containers } = await client.listContainers(context, {});
  const found = containers.filter(({ id, metadata }) => matches(word, id, metadata?.name));
  return theOne("container", word, found, "vitrine containers");
}

/** The pod or container of an id prefix or name; pods first. */
export async function findObject(lists: Lists, word: string): Promise<Found> {
  const { items } = await lists.client.listPodSandbox(lists.context, {});
  const pods = items.filter(({ id, metadata }) => matches(word, id, metadata?.name));
  if (pods.length > 0) return { kind: "pod", pod: theOne("pod", word, pods, "vitrine pods") };
  const { containers } = await lists.client.listContainers(lists.context, {});
  const found = containers.filter(({ id, metadata }) => matches(word, id, metadata?.name));
  const container = theOne("pod or container", word, found, "vitrine pods, vitrine containers");
  return { kind: "container", container };
}
