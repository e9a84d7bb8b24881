/** Names and types of every RPC: the 43 of CRI and those of Vitrine's own service. */
import type { AdminMethods, ImageServiceMethods, RuntimeServiceMethods } from "../../api/index.ts";

export type CriMethods = RuntimeServiceMethods & ImageServiceMethods;
export type Methods = CriMethods & AdminMethods;
export type RpcName = keyof Methods;

/** RPCs with one answer. */
export type UnaryName = {
  [Name in RpcName]: Methods[Name]["stream"] extends false ? Name : never;
}[RpcName];
