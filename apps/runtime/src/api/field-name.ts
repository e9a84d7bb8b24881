/**
 * The one rule by which a field of a .proto file gets its TypeScript name: camelCase, where the API
 * itself is irregular too (`CDI_devices` becomes cdiDevices, `Full` becomes full).
 */
export function fieldName(name: string): string {
  const leading = /^[A-Z]+(?=_|$)/.exec(name)?.[0] ?? name.slice(0, 1);
  return (leading.toLowerCase() + name.slice(leading.length)).replace(/_([a-z0-9])/g, (_, letter) =>
    letter.toUpperCase(),
  );
}
