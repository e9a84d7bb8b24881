/** Dates without a clock: virtual nanoseconds since 1970 as a day and a time, UTC, and strftime(3) of them. */

export interface CivilTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** 1 to 366. */
  readonly yearDay: number;
}

const months = ["January", "February", "March", "April", "May", "June", "July", "August"].concat(
  "September",
  "October",
  "November",
  "December",
);
const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Gregorian calendar by eras of 400 years that begin on the first of March. */
export function civilTime(unixNs: bigint): CivilTime {
  const seconds = Number(unixNs / 1_000_000_000n);
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return {
    year,
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
    hour: Math.floor(rest / 3600),
    minute: Math.floor((rest % 3600) / 60),
    second: rest % 60,
    weekday: (((days + 4) % 7) + 7) % 7,
    yearDay: dayOfYearOf(year, month, dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1),
  };
}

function dayOfYearOf(year: number, month: number, day: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return lengths.slice(0, month - 1).reduce((sum, length) => sum + length, day);
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** strftime(3) in the C locale, UTC. */
export function formatTime(format: string, unixNs: bigint): string {
  const time = civilTime(unixNs);
  return format.replace(/%([-_]?)([a-zA-Z%])/g, (all, flag: string, letter: string) => {
    const text = field(letter, time, unixNs) ?? all;
    return flag === "-" ? text.replace(/^0+(?=.)/, "") : text;
  });
}

function field(letter: string, time: CivilTime, unixNs: bigint): string | undefined {
  const { year, month, day, hour, minute, second, weekday, yearDay } = time;
  const monthName = months[month - 1] as string;
  const dayName = weekdays[weekday] as string;
  const fields: Readonly<Record<string, string>> = {
    "%": "%",
    a: dayName.slice(0, 3),
    A: dayName,
    b: monthName.slice(0, 3),
    B: monthName,
    h: monthName.slice(0, 3),
    d: two(day),
    e: String(day).padStart(2),
    D: `${two(month)}/${two(day)}/${two(year % 100)}`,
    F: `${year}-${two(month)}-${two(day)}`,
    H: two(hour),
    I: two(hour % 12 === 0 ? 12 : hour % 12),
    j: String(yearDay).padStart(3, "0"),
    m: two(month),
    M: two(minute),
    n: "\n",
    N: String(unixNs % 1_000_000_000n).padStart(9, "0"),
    p: hour < 12 ? "AM" : "PM",
    R: `${two(hour)}:${two(minute)}`,
    s: String(unixNs / 1_000_000_000n),
    S: two(second),
    t: "\t",
    T: `${two(hour)}:${two(minute)}:${two(second)}`,
    u: String(weekday === 0 ? 7 : weekday),
    w: String(weekday),
    y: two(year % 100),
    Y: String(year),
    z: "+0000",
    Z: "UTC",
    c: `${dayName.slice(0, 3)} ${monthName.slice(0, 3)} ${String(day).padStart(2)} ${two(hour)}:${two(minute)}:${two(second)} ${year}`,
  };
  return fields[letter];
}

/** Unix seconds of a date (the inverse of civilTime). */
export function unixSeconds(year: number, month: number, day: number, seconds = 0): number {
  const shiftedYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(shiftedYear / 400);
  const yearOfEra = shiftedYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return (era * 146_097 + dayOfEra - 719_468) * 86_400 + seconds;
}
