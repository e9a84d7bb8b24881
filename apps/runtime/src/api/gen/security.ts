// Generated from proto/security.proto by scripts/gen.ts; do not edit.
import type { Int64Value } from "./value.ts";

/** Whose namespace a process lives in. */
export type NamespaceMode =
  | "POD"
  | "CONTAINER"
  | "NODE"
  | "TARGET";

/** `length` ids from `host_id` outside appear as `container_id` and up inside. */
export interface IDMapping {
  readonly hostId: number;
  readonly containerId: number;
  readonly length: number;
}

export interface UserNamespace {
  readonly mode: NamespaceMode;
  readonly uids: readonly IDMapping[];
  readonly gids: readonly IDMapping[];
}

export interface NamespaceOption {
  readonly network: NamespaceMode;
  readonly pid: NamespaceMode;
  readonly ipc: NamespaceMode;
  /** container id, for TARGET */
  readonly targetId: string;
  readonly usernsOptions?: UserNamespace | undefined;
}

export type ProfileType =
  | "RuntimeDefault"
  | "Unconfined"
  | "Localhost";

/** A seccomp or AppArmor profile. */
export interface SecurityProfile {
  readonly profileType: ProfileType;
  /** seccomp: absolute path; AppArmor: name of a loaded profile */
  readonly localhostRef: string;
}

export interface SELinuxOption {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level: string;
}

/** How the groups of the image's /etc/group and `supplemental_groups` combine. */
export type SupplementalGroupsPolicy =
  | "Merge"
  | "Strict";

/** Names with or without the CAP_ prefix; "ALL" stands for every one. */
export interface Capability {
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly addAmbientCapabilities: readonly string[];
}

export interface LinuxSandboxSecurityContext {
  readonly namespaceOptions?: NamespaceOption | undefined;
  readonly selinuxOptions?: SELinuxOption | undefined;
  readonly runAsUser?: Int64Value | undefined;
  readonly readonlyRootfs: boolean;
  readonly supplementalGroups: readonly number[];
  /** privileged containers may be created in it */
  readonly privileged: boolean;
  readonly seccompProfilePath: string;
  readonly runAsGroup?: Int64Value | undefined;
  readonly seccomp?: SecurityProfile | undefined;
  readonly apparmor?: SecurityProfile | undefined;
  readonly supplementalGroupsPolicy: SupplementalGroupsPolicy;
}

export interface LinuxContainerSecurityContext {
  readonly capabilities?: Capability | undefined;
  readonly privileged: boolean;
  readonly namespaceOptions?: NamespaceOption | undefined;
  readonly selinuxOptions?: SELinuxOption | undefined;
  /** at most one of this and run_as_username */
  readonly runAsUser?: Int64Value | undefined;
  /** looked up in the image's /etc/passwd */
  readonly runAsUsername: string;
  readonly readonlyRootfs: boolean;
  readonly supplementalGroups: readonly number[];
  readonly apparmorProfile: string;
  readonly seccompProfilePath: string;
  readonly noNewPrivs: boolean;
  /** only together with a user */
  readonly runAsGroup?: Int64Value | undefined;
  /** made unreadable */
  readonly maskedPaths: readonly string[];
  /** made read-only */
  readonly readonlyPaths: readonly string[];
  readonly seccomp?: SecurityProfile | undefined;
  readonly apparmor?: SecurityProfile | undefined;
  readonly supplementalGroupsPolicy: SupplementalGroupsPolicy;
}
