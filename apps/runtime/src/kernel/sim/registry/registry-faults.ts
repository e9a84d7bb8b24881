/** What a registry can do wrong, and where. Asked at every request, so that a schedule can change its mind. */

export type RegistryFault =
  /** Nothing comes any more. */
  | { readonly how: "hang" }
  /** The connection breaks at that byte of a blob. */
  | { readonly how: "drop"; readonly byte: number }
  /** It answers with this status. */
  | { readonly how: "status"; readonly status: number }
  /** It sends other bytes than it promised. */
  | { readonly how: "wrong-digest" };

export interface RegistryRequest {
  /** "registry-1.docker.io". */
  readonly host: string;
  readonly repository: string;
  readonly kind: "manifest" | "blob";
  /** Tag or digest. */
  readonly name: string;
  /** Size of the blob; 0 for a manifest. */
  readonly bytes: number;
}

/** undefined: this request goes well. */
export type RegistryFaults = (request: RegistryRequest) => RegistryFault | undefined;
