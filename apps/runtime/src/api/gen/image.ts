// Generated from proto/image.proto by scripts/gen.ts; do not edit.
import type { ImageSpec, PodSandboxConfig } from "./config.ts";
import type { Int64Value, UInt64Value } from "./value.ts";

export interface ImageFilter {
  readonly image?: ImageSpec | undefined;
}

export interface ListImagesRequest {
  readonly filter?: ImageFilter | undefined;
}

export interface Image {
  /** digest of the image configuration */
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  /** bytes, never 0 */
  readonly size: number;
  /** the image's user when it is a number, */
  readonly uid?: Int64Value | undefined;
  /** and when it is a name */
  readonly username: string;
  readonly spec?: ImageSpec | undefined;
  /** garbage collection leaves it */
  readonly pinned: boolean;
}

export interface ListImagesResponse {
  readonly images: readonly Image[];
}

export interface StreamImagesRequest {
  readonly filter?: ImageFilter | undefined;
}

export interface StreamImagesResponse {
  readonly images: readonly Image[];
}

export interface ImageStatusRequest {
  readonly image?: ImageSpec | undefined;
  /** fills `info` */
  readonly verbose: boolean;
}

/** `image` is absent when there is no such image; that is no error. */
export interface ImageStatusResponse {
  readonly image?: Image | undefined;
  readonly info: Readonly<Record<string, string>>;
}

export interface AuthConfig {
  readonly username: string;
  readonly password: string;
  /** base64 of user:password */
  readonly auth: string;
  readonly serverAddress: string;
  /** traded for an access token */
  readonly identityToken: string;
  /** bearer token */
  readonly registryToken: string;
}

export interface PullImageRequest {
  readonly image?: ImageSpec | undefined;
  readonly auth?: AuthConfig | undefined;
  readonly sandboxConfig?: PodSandboxConfig | undefined;
}

export interface PullImageResponse {
  /** the same as Image.id */
  readonly imageRef: string;
}

/** Drops every name the image has. Idempotent. */
export interface RemoveImageRequest {
  readonly image?: ImageSpec | undefined;
}

export type RemoveImageResponse = Readonly<Record<never, never>>;

export type ImageFsInfoRequest = Readonly<Record<never, never>>;

export interface FilesystemIdentifier {
  readonly mountpoint: string;
}

export interface FilesystemUsage {
  /** Unix nanoseconds */
  readonly timestamp: number;
  readonly fsId?: FilesystemIdentifier | undefined;
  readonly usedBytes?: UInt64Value | undefined;
  readonly inodesUsed?: UInt64Value | undefined;
}

export interface WindowsFilesystemUsage {
  readonly timestamp: number;
  readonly fsId?: FilesystemIdentifier | undefined;
  readonly usedBytes?: UInt64Value | undefined;
}

export interface ImageFsInfoResponse {
  readonly imageFilesystems: readonly FilesystemUsage[];
  /** empty when they are the same */
  readonly containerFilesystems: readonly FilesystemUsage[];
}
