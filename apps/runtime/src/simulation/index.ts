/** The simulation as a page, a terminal or a test uses it. */
export * from "../kernel/sim/world/host.ts";
export * from "./crash-machine/crash-scenario.ts";
export * from "./golden-traces.ts";
export * from "./run-scenario.ts";
export * from "./scenario.ts";
export * from "./scenarios.ts";
export * from "./stage.ts";
export * from "./what-if/classic-mistakes.ts";
export * from "./what-if/edit-plan.ts";
export * from "./what-if/exposure.ts";
export * from "./what-if/what-if.ts";
