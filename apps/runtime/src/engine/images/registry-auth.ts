/** Credentials of a CRI call, without the empty fields that protobuf fills in. */
import type { AuthConfig } from "../../api/index.ts";
import type { RegistryAuth } from "../../kernel/world.ts";

/** Undefined when the call brings none. The registry client decides which host may see them. */
export function toRegistryAuth(auth: AuthConfig | undefined): RegistryAuth | undefined {
  if (auth === undefined) return undefined;
  const given = Object.entries(auth).filter(
    ([key, value]) => key !== "serverAddress" && typeof value === "string" && value !== "",
  );
  if (given.length === 0) return undefined;
  const server = auth.serverAddress === "" ? {} : { serverAddress: auth.serverAddress };
  return { ...Object.fromEntries(given), ...server };
}
