/** RuntimeClass handlers: the configured names, and which one a pod means. */
import { RuntimeError } from "../kernel/errors.ts";
import type { EngineOptions, RuntimeHandlerOptions } from "./engine-options.ts";

/**
 * The handler called `name`; the empty name is the default one.
 * @throws RuntimeError INVALID_ARGUMENT when none is configured under that name.
 */
export function runtimeHandlerOf(options: EngineOptions, name: string): RuntimeHandlerOptions {
  const handlerName = name === "" ? options.defaultRuntime : name;
  const handler = Object.hasOwn(options.runtimes, handlerName)
    ? options.runtimes[handlerName]
    : undefined;
  if (handler === undefined) {
    const known = Object.keys(options.runtimes).join(", ");
    throw new RuntimeError(
      "INVALID_ARGUMENT",
      `no runtime for ${JSON.stringify(handlerName)} is configured; configured are: ${known}`,
    );
  }
  return handler;
}

/** The names that Status lists: "" for the default one, then every configured one. */
export function runtimeHandlerNames(options: EngineOptions): readonly string[] {
  return ["", ...Object.keys(options.runtimes)];
}
