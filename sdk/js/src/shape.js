// Shapes: the fields of a matcher's messages, wanted messages and configuration; from JSON to values and to a schema.

import { asField } from "./fields.js";
import { EventTime } from "./time.js";
import { Problem, Reject } from "./problem.js";
import { isObject, kindOf, loads } from "./strict-json.js";

/** The fields of an object. Of a message others do not matter; of a wanted message or a configuration they are refused. */
export const shape = (...fields) => fields.map((field) => asField(field));

/** The values of a shape's fields; without a shape the object as it is. `fail` makes an error of a field and a text. */
export function decode(fields, document, fail) {
  if (!isObject(document)) throw fail(undefined, `not a JSON object: it is ${kindOf(document)}`);
  if (fields === undefined) return document;
  const decoded = {};
  for (let index = 0; index < fields.length; index += 1) {
    decoded[fields[index].name] = valueOf(fields[index], document, fail);
  }
  return decoded;
}

/** An object that a person wrote: refused with a problem, also where it has fields that are not known. */
export function decodeWritten(fields, text) {
  let document;
  try {
    document = loads(text);
  } catch (error) {
    throw new Problem(`not a JSON object: ${error.message}`);
  }
  const known = (name) => fields === undefined || fields.some((field) => field.name === name);
  const unknown = isObject(document) ? Object.keys(document).find((name) => !known(name)) : undefined;
  if (unknown !== undefined) throw unknownField(unknown, fields);
  return decode(fields, document, (field, message) => new Problem(message, field));
}

/** The value of a message's field is malformed. */
export function rejected(field, message) {
  return new Reject(field === undefined ? message : `field \`${field}\` ${message}`);
}

export function unknownField(name, fields) {
  const known = fields.map((field) => `\`${field.name}\``).join(", ");
  return Problem.of(name, known ? `unknown field; known: ${known}` : "unknown field; there are none to be set");
}

/** The JSON Schema of a shape. */
export function schema(fields) {
  if (fields === undefined) return { type: "object" };
  const properties = fields.map((field) => {
    const own = field.schema;
    return [field.name, field.defaultValue === undefined ? own : { ...own, default: field.defaultValue }];
  });
  const required = fields.filter((field) => !field.isOptional && field.defaultValue === undefined);
  return { type: "object", properties: Object.fromEntries(properties), required: required.map((field) => field.name) };
}

function valueOf(field, document, fail) {
  const value = Object.hasOwn(document, field.name) ? document[field.name] : field.defaultValue;
  if (value === undefined || (value === null && field.isOptional)) {
    if (field.isOptional) return undefined;
    throw fail(field.name, `is missing; it must be ${field.says}`);
  }
  if (!field.fits(value)) throw fail(field.name, field.mismatch(value));
  if (field.kind !== "time") return value;
  try {
    return EventTime.parse(value);
  } catch (reject) {
    throw fail(field.name, `says no time: ${reject.reason}`);
  }
}
