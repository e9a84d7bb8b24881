/** HOME, SHELL, USER of another user, as su and login set them. */
import { isRefusal } from "../refusal.ts";
import { chdir } from "../syscall/file.ts";
import type { Account } from "./account-names.ts";
import type { Call } from "./call.ts";

/** The environment for `account`; with `login` nothing of the old one, and the home directory as cwd. */
export function setUpAccount(call: Call, account: Account, login: boolean): string[] {
  const kept = new Map<string, string>();
  for (const entry of call.self.env) {
    const name = entry.slice(0, Math.max(0, entry.indexOf("=")));
    if (!login || name === "TERM") kept.set(name, entry);
  }
  const put = (name: string, value: string): void => void kept.set(name, `${name}=${value}`);
  put("HOME", account.home);
  put("SHELL", account.shell);
  if (login || account.id !== 0) {
    put("USER", account.name);
    put("LOGNAME", account.name);
  }
  if (login) {
    put("PATH", account.id === 0 ? "/sbin:/usr/sbin:/bin:/usr/bin" : "/bin:/usr/bin");
    try {
      chdir(call.self, account.home);
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      call.say(`${call.name}: can't change directory to '${account.home}'\n`);
    }
  }
  return [...kept.values()];
}
