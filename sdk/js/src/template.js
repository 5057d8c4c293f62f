// Templates in wanted messages: `{{ yyyymm|dt.format(format='%Y%m') }}`.
//
// A template sees one name, the business date minus a number of days, and the filters `dt.format`, `dt.add_day` and
// `dt.add_month`. The language is Jinja's, as in the Rust SDK.

import nunjucks from "nunjucks";

import { addDays, addMonths, formatDate, isDateText } from "./dates.js";
import { Problem } from "./problem.js";

// How many renderings are remembered for a date; wanted messages repeat few templates very often.
const REMEMBERED = 1_000;

const HINT = "for dates there are `dt.format`, `dt.add_day` and `dt.add_month`";

/** Renders templates for a business date, and remembers what it rendered. */
export class Templates {
  #environment = environment();
  #lagDays;
  #on;
  #remembered = new Map();

  constructor(lagDays) {
    this.#lagDays = lagDays;
  }

  /** The text with its templates filled in; a text without any is its own rendering. */
  render(text, name, on) {
    if (!/\{[{%#]/.test(text)) return text;
    if (this.#on !== on || this.#remembered.size >= REMEMBERED) {
      this.#on = on;
      this.#remembered.clear();
    }
    const remembered = JSON.stringify([name, text]);
    if (!this.#remembered.has(remembered)) this.#remembered.set(remembered, this.#render(text, name, on));
    return this.#remembered.get(remembered);
  }

  #render(text, name, on) {
    try {
      return this.#environment.renderString(text, { [name]: addDays(on, -this.#lagDays) });
    } catch (error) {
      throw explain(error, name);
    }
  }
}

function environment() {
  const made = new nunjucks.Environment(null, { autoescape: false, throwOnUndefined: true });
  made.addFilter("dt.format", filter({ format: "%Y-%m-%d" }, (date, { format }) => formatDate(date, format)));
  made.addFilter(
    "dt.add_day",
    filter({ n: 0, format: "%Y-%m-%d" }, (date, { n, format }) => formatDate(addDays(date, n), format)),
  );
  made.addFilter(
    "dt.add_month",
    filter({ n: 0, format: "%Y-%m" }, (date, { n, format }) => formatDate(addMonths(date, n), format)),
  );
  return made;
}

/** A filter whose options may be given by position or by name. */
function filter(defaults, apply) {
  return (value, ...given) => {
    if (value === undefined) throw new Problem("unknown name");
    if (!isDateText(String(value))) throw new Problem(`\`${value}\` is not a date`);
    const named = given.at(-1)?.__keywords ? given.pop() : {};
    const options = { ...defaults };
    Object.keys(defaults).forEach((name, at) => at < given.length && (options[name] = given[at]));
    for (const [name, it] of Object.entries(named)) {
      if (name === "__keywords") continue;
      if (!Object.hasOwn(defaults, name)) throw new Problem(`unknown option \`${name}\``);
      options[name] = it;
    }
    return apply(String(value), options);
  };
}

/** One line from an engine's error. */
function explain(error, name) {
  const said = String(error.message).split("\n").at(-1).trim().replace(/^(\w*Error|Problem): /, "");
  if (/unknown name|null or undefined/.test(said)) return new Problem(`unknown name in template; known: \`${name}\``);
  if (/filter not found/.test(said)) return new Problem(`unknown filter in template: ${said}; ${HINT}`);
  if (/Template render error/.test(error.name + error.message) && /expected|unexpected|parse/.test(said)) {
    return new Problem(`template syntax error: ${said}`);
  }
  return new Problem(`cannot render template: ${said}`);
}
