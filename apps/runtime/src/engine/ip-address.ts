/** Textual IP addresses, as far as requests and CNI results are checked for being some. */

const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4Pattern = `${octet}(?:\\.${octet}){3}`;
const ipv4 = new RegExp(`^${ipv4Pattern}$`);
const ipv4Tail = new RegExp(`(?<=:)${ipv4Pattern}$`);
const group = /^[0-9a-fA-F]{1,4}$/;
const groupsOfAddress = 8;

function isIpv6(text: string): boolean {
  // The last 32 bits may stand there as an IPv4 address (RFC 4291, section 2.2).
  const halves = text.replace(ipv4Tail, "0:0").split("::");
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  if (!groups.every((one) => group.test(one))) return false;
  if (halves.length === 1) return groups.length === groupsOfAddress;
  return halves.length === 2 && groups.length < groupsOfAddress;
}

/** Whether `text` is an IPv4 or IPv6 address, without prefix length and zone. */
export function isIpAddress(text: string): boolean {
  return ipv4.test(text) || isIpv6(text);
}

/** Whether `text` is an address with a prefix length that its family has (CIDR notation). */
export function isIpWithPrefix(text: string): boolean {
  const [address = "", prefix = "", ...rest] = text.split("/");
  if (rest.length > 0 || !/^(?:0|[1-9]\d{0,2})$/.test(prefix) || !isIpAddress(address))
    return false;
  return Number(prefix) <= (address.includes(":") ? 128 : 32);
}
