// Points in time: when something happened.

import { Reject } from "./problem.js";

const EXPECTED = "expected epoch seconds, `YYYY-MM-DD HH:MM:SS` or RFC 3339";

// From here on a number of seconds is taken for milliseconds: as seconds it would lie after the year 5138.
const MILLISECONDS_FROM = 100_000_000_000;

const DAY = /(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)/.source;
const CLOCK = /(?<separator>[ Tt])(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)/.source;
const ZONE = /(?:\.(?<fraction>\d+))?(?:(?<zulu>[Zz])|(?<sign>[+-])(?<hours>\d\d):(?<minutes>\d\d))/.source;
const TIME = new RegExp(`^${DAY}${CLOCK}(?:${ZONE})?$`);

// Every month has so many days.
const SHORTEST = 28;

const CIVIL = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?$/;

/** When the thing happened that a message tells of. */
export class EventTime {
  constructor(millis, isCivil) {
    // Milliseconds since the Unix epoch; of a civil time as if its clock were UTC's.
    this.millis = millis;
    this.isCivil = isCivil;
  }

  static fromMillis(millis) {
    return new EventTime(millis, false);
  }

  static fromCivil(text) {
    return new EventTime(civilMillis(text), true);
  }

  static parse(value) {
    if (typeof value === "string") return fromText(value);
    if (typeof value !== "number" && typeof value !== "bigint") throw new Reject("must be epoch seconds or text");
    if (!(value > -MILLISECONDS_FROM && value < MILLISECONDS_FROM)) {
      throw new Reject(`${value} looks like milliseconds (or smaller units); expected seconds since the Unix epoch`);
    }
    const seconds = Number(value);
    // Floor, so that the last instant of a day stays in it; the addend is more than what a double cannot hold.
    return new EventTime(Number.isInteger(seconds) ? seconds * 1000 : Math.floor(seconds * 1000 + 5e-4), false);
  }
}

function fromText(text) {
  const parts = TIME.exec(text);
  const time = parts && parsed(parts.groups);
  if (!time) throw new Reject(`\`${[...text].slice(0, 40).join("")}\` is not a time; ${EXPECTED}`);
  return time;
}

// By names: to take the match apart as a list costs a component ten times as much as to find it.
function parsed({ year, month, day, separator, hour, minute, second, fraction = "0", zulu, sign, hours, minutes }) {
  const isCivil = zulu === undefined && sign === undefined;
  if (isCivil && separator !== " ") return undefined;
  // RFC 3339 knows leap seconds; the second before stands for one.
  const seconds = +second === 60 && !isCivil ? 59 : +second;
  if (!isDate(+year, +month, +day) || +hour > 23 || +minute > 59 || seconds > 59) return undefined;
  const millis = utc(+year, +month, +day) + ((+hour * 60 + +minute) * 60 + seconds) * 1000;
  if (isCivil) return new EventTime(millis, true);
  if (sign !== undefined && (+hours > 23 || +minutes > 59)) return undefined;
  const offset = sign === undefined ? 0 : (+hours * 60 + +minutes) * 60_000;
  const fractional = millis + Number((fraction + "00").slice(0, 3));
  return new EventTime(sign === "-" ? fractional + offset : fractional - offset, false);
}

/** Whether the day is one of the proleptic Gregorian calendar. */
export function isDate(year, month, day) {
  return month >= 1 && month <= 12 && day >= 1 && (day <= SHORTEST || day <= daysOf(year, month));
}

/** How many days a month has. */
export function daysOf(year, month) {
  return new Date(utc(year, month + 1, 0)).getUTCDate();
}

/** Midnight of a day, in milliseconds since the Unix epoch. */
export function utc(year, month, day) {
  // `Date.UTC` takes the years 0 to 99 for those of the last century.
  return new Date(0).setUTCFullYear(year, month - 1, day);
}

/** A civil time such as `2019-07-07 08:00:00`, in milliseconds as if its clock were UTC's. */
export function civilMillis(text) {
  const parts = CIVIL.exec(text);
  if (!parts || !isDate(+parts[1], +parts[2], +parts[3])) throw new RangeError(`\`${text}\` is not a civil time`);
  const [, year, month, day, hour, minute, second = "0", fraction = "0"] = parts;
  if (+hour > 23 || +minute > 59 || +second > 59) throw new RangeError(`\`${text}\` is not a civil time`);
  return utc(+year, +month, +day) + ((+hour * 60 + +minute) * 60 + +second) * 1000 + Number(fraction.padEnd(3, "0"));
}

/** The day and the clock of a time that is given as if its clock were UTC's. */
export function civilText(millis) {
  return new Date(millis).toISOString().slice(0, -1);
}
