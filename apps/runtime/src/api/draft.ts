/**
 * A message as its writer may spell it: whatever is left out is the default of proto3 (empty, 0,
 * false, the first name of an enum, absent). The codec fills it in on the way to the wire.
 */
export type Draft<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Draft<Item>[]
    : T extends object
      ? string extends keyof T
        ? T
        : { readonly [Key in keyof T]?: Draft<T[Key]> | undefined }
      : T;
