/** What a filter can answer (linux/seccomp.h). The lower 16 bits carry data: an errno. */

export const RET_KILL_PROCESS = 0x8000_0000;
export const RET_KILL_THREAD = 0;
export const RET_TRAP = 0x0003_0000;
export const RET_ERRNO = 0x0005_0000;
export const RET_USER_NOTIF = 0x7fc0_0000;
export const RET_TRACE = 0x7ff0_0000;
export const RET_LOG = 0x7ffc_0000;
export const RET_ALLOW = 0x7fff_0000;

/** The action without its data. */
export function actionOnly(action: number): number {
  return (action & 0xffff_0000) >>> 0;
}

export function dataOf(action: number): number {
  return action & 0xffff;
}

/** Which of two answers is stricter: the kernel compares them as signed numbers, KILL_PROCESS being the least. */
export function isStricter(action: number, other: number): boolean {
  return (action & 0xffff_0000) < (other & 0xffff_0000);
}
