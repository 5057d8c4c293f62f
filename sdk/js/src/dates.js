// Business dates: texts such as `2019-07-08`. What can be done with them, in matchers and in templates.

import { daysOf, isDate, utc } from "./time.js";

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const DAY = 86_400_000;

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January", "February", "March", "April", "May", "June",
  "July", "August", "September", "October", "November", "December",
];

// The widest that a number is padded to.
const WIDEST = 20;

/** The date so many days later. */
export function addDays(date, days) {
  return textOf(parts(date).millis + days * DAY, date, days);
}

/** The date so many months later; a day that the month does not have becomes the month's last. */
export function addMonths(date, months) {
  const { year, month, day } = parts(date);
  const count = year * 12 + month - 1 + months;
  const [to, of] = [Math.floor(count / 12), (((count % 12) + 12) % 12) + 1];
  return textOf(utc(to, of, Math.min(day, daysOf(to, of))), date, months);
}

/** The date by the directives of `strftime`; hours, minutes and seconds are zero. */
export function formatDate(date, format) {
  return format.replace(/%([-_0^#]?)(\d{0,3})([^]?)/gu, (found, flag, width, directive) => {
    const at = parts(date);
    if (Object.hasOwn(NUMBERS, directive)) {
      const [value, wide, padding] = NUMBERS[directive];
      return padded(String(value(at)), flag, width, wide, padding);
    }
    if (Object.hasOwn(TEXTS, directive)) return cased(TEXTS[directive](at), flag, directive);
    if (Object.hasOwn(WHOLE, directive)) return formatDate(date, WHOLE[directive]);
    throw new RangeError(`bad format '${format}': \`${found}\` is no directive for a date`);
  });
}

/** Whether a text is a date. */
export function isDateText(text) {
  const found = DATE.exec(text);
  return found !== null && isDate(+found[1], +found[2], +found[3]);
}

function parts(date) {
  const found = DATE.exec(date);
  if (!found || !isDate(+found[1], +found[2], +found[3])) throw new RangeError(`\`${date}\` is not a date`);
  const [year, month, day] = found.slice(1).map(Number);
  return { year, month, day, millis: utc(year, month, day) };
}

function textOf(millis, date, n) {
  const text = Math.abs(millis) <= 8.64e15 ? new Date(millis).toISOString().slice(0, -14) : "";
  if (!DATE.test(text)) throw new RangeError(`${date} plus n=${n} is out of range`);
  return text;
}

const weekday = ({ millis }) => new Date(millis).getUTCDay();
const isoWeekday = (at) => weekday(at) || 7;
const dayOfYear = ({ year, millis }) => (millis - utc(year, 1, 1)) / DAY + 1;

/** The week of the year, where weeks begin on the ISO weekday `first`. */
const week = (at, first) => Math.floor((dayOfYear(at) + 6 - ((isoWeekday(at) - first + 7) % 7)) / 7);

/** The Thursday of a day's week: its year is the week's. */
function thursday(at) {
  const millis = at.millis + (4 - isoWeekday(at)) * DAY;
  return { year: new Date(millis).getUTCFullYear(), millis };
}

// Numbers, with the width and the padding they have by themselves.
const NUMBERS = {
  C: [({ year }) => Math.floor(year / 100), 0, "0"],
  d: [({ day }) => day, 2, "0"],
  e: [({ day }) => day, 2, " "],
  G: [(at) => thursday(at).year, 4, "0"],
  g: [(at) => thursday(at).year % 100, 2, "0"],
  H: [() => 0, 2, "0"],
  I: [() => 12, 2, "0"],
  j: [dayOfYear, 3, "0"],
  k: [() => 0, 2, " "],
  l: [() => 12, 2, " "],
  M: [() => 0, 2, "0"],
  m: [({ month }) => month, 2, "0"],
  q: [({ month }) => Math.ceil(month / 3), 0, "0"],
  S: [() => 0, 2, "0"],
  U: [(at) => week(at, 7), 2, "0"],
  u: [isoWeekday, 0, "0"],
  V: [(at) => Math.ceil(dayOfYear(thursday(at)) / 7), 2, "0"],
  W: [(at) => week(at, 1), 2, "0"],
  w: [weekday, 0, "0"],
  Y: [({ year }) => year, 4, "0"],
  y: [({ year }) => year % 100, 2, "0"],
};

const TEXTS = {
  "%": () => "%",
  A: (at) => WEEKDAYS[weekday(at)],
  a: (at) => WEEKDAYS[weekday(at)].slice(0, 3),
  B: ({ month }) => MONTHS[month - 1],
  b: ({ month }) => MONTHS[month - 1].slice(0, 3),
  h: ({ month }) => MONTHS[month - 1].slice(0, 3),
  n: () => "\n",
  P: () => "am",
  p: () => "AM",
  t: () => "\t",
};

const WHOLE = { D: "%m/%d/%y", F: "%Y-%m-%d", R: "%H:%M", T: "%H:%M:%S" };

function padded(text, flag, width, ownWidth, ownPadding) {
  const padding = flag === "_" ? " " : flag === "0" ? "0" : ownPadding;
  return text.padStart(flag === "-" ? 0 : width ? Math.min(Number(width), WIDEST) : ownWidth, padding);
}

/** A width is for numbers, and what `#` swaps is the case of `AM`. */
function cased(text, flag, directive) {
  if (flag === "^") return text.toUpperCase();
  return flag === "#" && directive === "p" ? text.toLowerCase() : text;
}
