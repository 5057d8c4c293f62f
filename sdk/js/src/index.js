// Write matchers for eventlatch in JavaScript or TypeScript. The README is the tutorial; index.d.ts says what is what.

export { addDays, addMonths, formatDate } from "./dates.js";
export { boolean, Field, Fields, integer, json, number, scalar, text, time } from "./fields.js";
export { Extract, Key, key } from "./key.js";
export { log } from "./log.js";
export { fieldMatcher, matcher, sameBusinessDay, Verdict } from "./matcher.js";
export { Problem, Problems, Reject } from "./problem.js";
export { Frame } from "./registry.js";
export { shape } from "./shape.js";
export { EventTime } from "./time.js";
