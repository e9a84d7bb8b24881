// Generated from proto/stats.proto by scripts/gen.ts; do not edit.
import type { ContainerMetadata, PodSandboxMetadata } from "./config.ts";
import type { FilesystemUsage, WindowsFilesystemUsage } from "./image.ts";
import type { UInt64Value } from "./value.ts";

/** Pressure stall information, see proc_pressure(5). Field names are capitalised in the API. */
export interface PsiStats {
  readonly full?: PsiData | undefined;
  readonly some?: PsiData | undefined;
}

export interface PsiData {
  /** nanoseconds */
  readonly total: number;
  /** percent over 10, 60 and 300 seconds */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
}

export interface CpuUsage {
  /** Unix nanoseconds, here and below */
  readonly timestamp: number;
  /** since creation */
  readonly usageCoreNanoSeconds?: UInt64Value | undefined;
  /** now */
  readonly usageNanoCores?: UInt64Value | undefined;
  readonly psi?: PsiStats | undefined;
}

export interface WindowsCpuUsage {
  readonly timestamp: number;
  readonly usageCoreNanoSeconds?: UInt64Value | undefined;
  readonly usageNanoCores?: UInt64Value | undefined;
}

export interface MemoryUsage {
  readonly timestamp: number;
  readonly workingSetBytes?: UInt64Value | undefined;
  readonly availableBytes?: UInt64Value | undefined;
  readonly usageBytes?: UInt64Value | undefined;
  readonly rssBytes?: UInt64Value | undefined;
  readonly pageFaults?: UInt64Value | undefined;
  readonly majorPageFaults?: UInt64Value | undefined;
  readonly psi?: PsiStats | undefined;
}

export interface WindowsMemoryUsage {
  readonly timestamp: number;
  readonly workingSetBytes?: UInt64Value | undefined;
  readonly availableBytes?: UInt64Value | undefined;
  readonly pageFaults?: UInt64Value | undefined;
  readonly commitMemoryBytes?: UInt64Value | undefined;
}

export interface SwapUsage {
  readonly timestamp: number;
  readonly swapAvailableBytes?: UInt64Value | undefined;
  readonly swapUsageBytes?: UInt64Value | undefined;
}

export interface IoUsage {
  readonly timestamp: number;
  readonly psi?: PsiStats | undefined;
}

export interface ProcessUsage {
  readonly timestamp: number;
  readonly processCount?: UInt64Value | undefined;
}

export interface WindowsProcessUsage {
  readonly timestamp: number;
  readonly processCount?: UInt64Value | undefined;
}

export interface NetworkInterfaceUsage {
  readonly name: string;
  readonly rxBytes?: UInt64Value | undefined;
  readonly rxErrors?: UInt64Value | undefined;
  readonly txBytes?: UInt64Value | undefined;
  readonly txErrors?: UInt64Value | undefined;
}

export interface NetworkUsage {
  readonly timestamp: number;
  readonly defaultInterface?: NetworkInterfaceUsage | undefined;
  /** without the default one */
  readonly interfaces: readonly NetworkInterfaceUsage[];
}

export interface WindowsNetworkInterfaceUsage {
  readonly name: string;
  readonly rxBytes?: UInt64Value | undefined;
  readonly rxPacketsDropped?: UInt64Value | undefined;
  readonly txBytes?: UInt64Value | undefined;
  readonly txPacketsDropped?: UInt64Value | undefined;
}

export interface WindowsNetworkUsage {
  readonly timestamp: number;
  readonly defaultInterface?: WindowsNetworkInterfaceUsage | undefined;
  readonly interfaces: readonly WindowsNetworkInterfaceUsage[];
}

export interface ContainerAttributes {
  readonly id: string;
  readonly metadata?: ContainerMetadata | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ContainerStats {
  readonly attributes?: ContainerAttributes | undefined;
  readonly cpu?: CpuUsage | undefined;
  readonly memory?: MemoryUsage | undefined;
  readonly writableLayer?: FilesystemUsage | undefined;
  readonly swap?: SwapUsage | undefined;
  readonly io?: IoUsage | undefined;
}

export interface WindowsContainerStats {
  readonly attributes?: ContainerAttributes | undefined;
  readonly cpu?: WindowsCpuUsage | undefined;
  readonly memory?: WindowsMemoryUsage | undefined;
  readonly writableLayer?: WindowsFilesystemUsage | undefined;
}

export interface ContainerStatsRequest {
  readonly containerId: string;
}

export interface ContainerStatsResponse {
  readonly stats?: ContainerStats | undefined;
}

export interface ContainerStatsFilter {
  readonly id: string;
  readonly podSandboxId: string;
  readonly labelSelector: Readonly<Record<string, string>>;
}

export interface ListContainerStatsRequest {
  readonly filter?: ContainerStatsFilter | undefined;
}

export interface ListContainerStatsResponse {
  readonly stats: readonly ContainerStats[];
}

export interface StreamContainerStatsRequest {
  readonly filter?: ContainerStatsFilter | undefined;
}

export interface StreamContainerStatsResponse {
  readonly containerStats: readonly ContainerStats[];
}

export interface PodSandboxAttributes {
  readonly id: string;
  readonly metadata?: PodSandboxMetadata | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface LinuxPodSandboxStats {
  readonly cpu?: CpuUsage | undefined;
  readonly memory?: MemoryUsage | undefined;
  readonly network?: NetworkUsage | undefined;
  readonly process?: ProcessUsage | undefined;
  readonly containers: readonly ContainerStats[];
  readonly io?: IoUsage | undefined;
}

export interface WindowsPodSandboxStats {
  readonly cpu?: WindowsCpuUsage | undefined;
  readonly memory?: WindowsMemoryUsage | undefined;
  readonly network?: WindowsNetworkUsage | undefined;
  readonly process?: WindowsProcessUsage | undefined;
  readonly containers: readonly WindowsContainerStats[];
}

export interface PodSandboxStats {
  readonly attributes?: PodSandboxAttributes | undefined;
  readonly linux?: LinuxPodSandboxStats | undefined;
  readonly windows?: WindowsPodSandboxStats | undefined;
}

export interface PodSandboxStatsRequest {
  readonly podSandboxId: string;
}

export interface PodSandboxStatsResponse {
  readonly stats?: PodSandboxStats | undefined;
}

export interface PodSandboxStatsFilter {
  readonly id: string;
  readonly labelSelector: Readonly<Record<string, string>>;
}

export interface ListPodSandboxStatsRequest {
  readonly filter?: PodSandboxStatsFilter | undefined;
}

export interface ListPodSandboxStatsResponse {
  readonly stats: readonly PodSandboxStats[];
}

export interface StreamPodSandboxStatsRequest {
  readonly filter?: PodSandboxStatsFilter | undefined;
}

export interface StreamPodSandboxStatsResponse {
  readonly podSandboxStats: readonly PodSandboxStats[];
}

export type ListMetricDescriptorsRequest = Readonly<Record<never, never>>;

export interface MetricDescriptor {
  readonly name: string;
  readonly help: string;
  readonly labelKeys: readonly string[];
}

export interface ListMetricDescriptorsResponse {
  readonly descriptors: readonly MetricDescriptor[];
}

export type MetricType =
  | "COUNTER"
  | "GAUGE";

/** `label_values` stand in the order of the descriptor's `label_keys`. */
export interface Metric {
  readonly name: string;
  /** 0: cached, time unknown */
  readonly timestamp: number;
  readonly metricType: MetricType;
  readonly labelValues: readonly string[];
  readonly value?: UInt64Value | undefined;
}

export interface ContainerMetrics {
  readonly containerId: string;
  readonly metrics: readonly Metric[];
}

export interface PodSandboxMetrics {
  readonly podSandboxId: string;
  readonly metrics: readonly Metric[];
  readonly containerMetrics: readonly ContainerMetrics[];
}

export type ListPodSandboxMetricsRequest = Readonly<Record<never, never>>;

export interface ListPodSandboxMetricsResponse {
  readonly podMetrics: readonly PodSandboxMetrics[];
}

export type StreamPodSandboxMetricsRequest = Readonly<Record<never, never>>;

export interface StreamPodSandboxMetricsResponse {
  readonly podSandboxMetrics: readonly PodSandboxMetrics[];
}
