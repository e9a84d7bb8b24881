/**
 * Chain ids (OCI image-spec, config.md "Layer ChainID"): the name of a stack of layers, so that two
 * images with the same lower layers share one unpacked copy of them.
 */
import { sha256Hex } from "../../kernel/sha256.ts";

/** The chain id after each layer, lowest first: C(1) = D(1), C(n) = sha256(C(n-1) + " " + D(n)). */
export function chainIdsOf(diffIds: readonly string[]): readonly string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : `sha256:${sha256Hex(`${below} ${diffId}`)}`);
  }
  return chain;
}
