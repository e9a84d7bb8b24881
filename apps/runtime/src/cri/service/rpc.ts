/** The shape of one RPC's file: which engine method it is, and what its span says about it. */
import type { Attributes, Context } from "../../trace/tracer.ts";
import type { Methods, UnaryName } from "./rpc-names.ts";
import type { Runtime } from "./runtime.ts";

type RequestOf<Name extends UnaryName> = Methods[Name]["request"];
type ResponseOf<Name extends UnaryName> = Methods[Name]["response"];

/** An RPC whose types are gone: what the server and the wrapper work with. */
export interface Rpc {
  readonly name: UnaryName;
  /** Polls are asked all the time and say nothing new; they are sampled on their own. */
  readonly poll: boolean;
  attributes(request: unknown): Attributes;
  call(runtime: Runtime, context: Context, request: unknown): Promise<object>;
  outcome(response: object): Attributes;
}

export interface RpcDefinition<Name extends UnaryName> {
  readonly poll?: boolean;
  /** What the span carries from its start. */
  readonly attributes?: (request: RequestOf<Name>) => Attributes;
  readonly call: (
    runtime: Runtime,
    context: Context,
    request: RequestOf<Name>,
  ) => Promise<ResponseOf<Name>>;
  /** What the span carries once the answer is known. */
  readonly outcome?: (response: ResponseOf<Name>) => Attributes;
}

/** Makes an RPC; the casts stand on the codec, which makes `request` of the type its name says. */
export function rpc<Name extends UnaryName>(name: Name, definition: RpcDefinition<Name>): Rpc {
  const { attributes, call, outcome } = definition;
  return {
    name,
    poll: definition.poll ?? false,
    attributes: (request) => attributes?.(request as RequestOf<Name>) ?? {},
    call: (runtime, context, request) => call(runtime, context, request as RequestOf<Name>),
    outcome: (response) => outcome?.(response as ResponseOf<Name>) ?? {},
  };
}
