/** sysctl: /proc/sys by names with dots. */
import { AT_FDCWD, O_WRONLY } from "../../abi.ts";
import { close, openat2, writeNow } from "../../syscall/file.ts";
import type { AppletTable } from "../applet.ts";
import { type Call, UsageError } from "../call.ts";
import { messageOf } from "../errno-message.ts";
import { bytesOf, readFileText } from "../file-text.ts";
import { parseOptions } from "../options.ts";

function sysctl(call: Call): void {
  const options = parseOptions(call.args, "neqw");
  if (options.operands.length === 0) throw new UsageError();
  for (const text of options.operands) {
    const equals = text.indexOf("=");
    const key = equals < 0 ? text : text.slice(0, equals);
    const path = `/proc/sys/${key.replaceAll(".", "/")}`;
    try {
      if (equals >= 0) {
        const fd = openat2(call.self, AT_FDCWD, path, { flags: O_WRONLY });
        try {
          writeNow(call.self, fd, bytesOf(`${text.slice(equals + 1)}\n`));
        } finally {
          close(call.self, fd);
        }
        if (!options.has("q")) call.print(`${key} = ${text.slice(equals + 1)}\n`);
        continue;
      }
      const value = readFileText(call.self, path).replace(/\n$/, "");
      for (const line of value.split("\n"))
        call.print(options.has("n") ? `${line}\n` : `${key} = ${line}\n`);
    } catch (thrown) {
      call.fail(
        equals < 0
          ? `error reading key '${key}': ${messageOf(thrown)}`
          : `error setting key '${key}': ${messageOf(thrown)}`,
      );
    }
  }
}

export const kernelParameterApplets: AppletTable = { sysctl };
