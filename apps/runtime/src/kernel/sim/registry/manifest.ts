/** Manifests and indexes as far as the simulated registry client reads them: they come from its own catalogue. */
import { RuntimeError } from "../../errors.ts";
import type { Descriptor } from "../../world.ts";

export type ManifestDocument =
  | { readonly kind: "index"; readonly manifests: readonly Descriptor[] }
  | { readonly kind: "image"; readonly config: Descriptor; readonly layers: readonly Descriptor[] };

/** RuntimeError FAILED_PRECONDITION for what is neither. */
export function readManifest(bytes: Uint8Array): ManifestDocument {
  const document = JSON.parse(new TextDecoder().decode(bytes)) as {
    readonly manifests?: readonly Descriptor[];
    readonly config?: Descriptor;
    readonly layers?: readonly Descriptor[];
  };
  const { manifests, config, layers } = document;
  if (manifests !== undefined) return { kind: "index", manifests };
  if (config !== undefined && layers !== undefined) return { kind: "image", config, layers };
  throw new RuntimeError(
    "FAILED_PRECONDITION",
    "the manifest is malformed: it is neither an index nor an image",
  );
}

/** The entry of an index for this machine. RuntimeError NOT_FOUND that names what there is. */
export function choosePlatform(manifests: readonly Descriptor[], architecture: string): Descriptor {
  const chosen = manifests.find(
    ({ platform }) => platform?.os === "linux" && platform.architecture === architecture,
  );
  if (chosen !== undefined) return chosen;
  const offered = manifests.map(({ platform }) => `${platform?.os}/${platform?.architecture}`);
  throw new RuntimeError(
    "NOT_FOUND",
    `the image is not made for linux/${architecture}, only for ${offered.join(", ") || "nothing"}`,
  );
}
