// Generated from proto/vitrine.proto by scripts/gen.ts; do not edit.

export interface AdminMethods {
  LoadImage: {
    readonly request: LoadImageRequest;
    readonly response: LoadImageResponse;
    readonly stream: false;
  };
  ContainerPlan: {
    readonly request: ContainerPlanRequest;
    readonly response: ContainerPlanResponse;
    readonly stream: false;
  };
}

/** A docker-archive, an OCI layout as tar, or an OCI layout directory, on the daemon's own file system. */
export interface LoadImageRequest {
  /** absolute */
  readonly path: string;
}

export interface LoadedImage {
  readonly id: string;
  readonly references: readonly string[];
  readonly sizeBytes: number;
}

export interface LoadImageResponse {
  readonly images: readonly LoadedImage[];
}

export interface ContainerPlanRequest {
  readonly containerId: string;
}

export interface ContainerPlanResponse {
  /** one aligned line an op */
  readonly text: string;
  readonly json: string;
}
