/** Every RPC we know the types of: the 43 of CRI and those of Vitrine's own service, with their codecs. */
import { Codec, loadProto } from "./codec.ts";
import type { RpcName } from "./service/rpc-names.ts";

export interface Method {
  readonly name: RpcName;
  /** Full name without leading slash: runtime.v1.RuntimeService/RunPodSandbox. */
  readonly fullName: string;
  readonly service: string;
  readonly stream: boolean;
  readonly request: Codec;
  readonly response: Codec;
}

const services = [
  ["api.proto", "runtime.v1.RuntimeService"],
  ["api.proto", "runtime.v1.ImageService"],
  ["vitrine.proto", "vitrine.v1.Admin"],
] as const;

function readMethods(): ReadonlyMap<RpcName, Method> {
  const methods = new Map<RpcName, Method>();
  const files = [...new Set(services.map(([file]) => file))];
  const roots = new Map(files.map((file) => [file, loadProto(file)]));
  for (const [file, service] of services) {
    for (const method of roots.get(file)?.lookupService(service).methodsArray ?? []) {
      const { resolvedRequestType, resolvedResponseType } = method;
      if (resolvedRequestType === null || resolvedResponseType === null) continue;
      const name = method.name as RpcName;
      methods.set(name, {
        name,
        fullName: `${service}/${method.name}`,
        service,
        stream: method.responseStream === true,
        request: new Codec(resolvedRequestType),
        response: new Codec(resolvedResponseType),
      });
    }
  }
  return methods;
}

/** By name; RPC names are unique over the three services. */
export const methods: ReadonlyMap<RpcName, Method> = readMethods();

/** The method of a name. */
export function methodOf(name: RpcName): Method {
  const method = methods.get(name);
  if (method === undefined) throw new Error(`proto/ has no rpc ${name}`);
  return method;
}
