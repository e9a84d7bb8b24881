/** The part of the OCI image configuration that says how to run a container (image-spec, config.md). */
export interface ImageConfig {
  /** user, uid, user:group, uid:gid and mixtures. */
  readonly User?: string;
  /** NAME=value. */
  readonly Env?: readonly string[] | null;
  readonly Entrypoint?: readonly string[] | null;
  readonly Cmd?: readonly string[] | null;
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
  readonly Volumes?: Readonly<Record<string, unknown>> | null;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
}
