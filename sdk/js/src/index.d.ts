/**
 * Write matchers for eventlatch in JavaScript or TypeScript: one module in, one WebAssembly file out.
 *
 * A matcher says what a Kafka message is. Begin with `fieldMatcher` where some fields of a message tell it, or with
 * `matcher` where it takes code; a module exports one of them as its default. `Bench` of `eventlatch-sdk/testing` runs
 * either without WebAssembly. The README is the tutorial.
 */

/** A business date: `2019-07-08`. */
export type CivilDate = string;

/** What can be a field of a key. A bigint is a whole number that a double cannot hold. */
export type Scalar = string | boolean | number | bigint;

/** A list of typed fields; a message is a candidate for a wanted message if they have an equal key. Never changes. */
export class Key {
  /** Adds a text. */
  text(value: string): Key;
  /** Adds a boolean. */
  boolean(value: boolean): Key;
  /** Adds a whole number. */
  integer(value: number | bigint): Key;
  /** Adds a number. Equal numbers are equal fields: 1 and 1.0 are the same. */
  number(value: number | bigint): Key;
  /** Adds a field that stands for "any". It equals only itself: the message must carry a key with it too. */
  any(): Key;
  /** This key, carried by a message that tells of something which happened at `time`. */
  at(time: EventTime): Extract;
  /** This key and another one, both carried by a message. */
  or(other: Key): Extract;
  /** The bytes that the service compares. */
  bytes(): Uint8Array;
}

/** A key with the given fields, in order. */
export function key(...fields: Scalar[]): Key;

/** What a message is: its keys and its event time. */
export class Extract {
  private constructor();
  /** A message that nobody could want. */
  static nothing(): Extract;
  readonly keys: readonly Key[];
  readonly time: EventTime | undefined;
  /** With another key. */
  or(key: Key): Extract;
  /** With an event time. */
  at(time: EventTime): Extract;
}

/**
 * When the thing happened that a message tells of: epoch seconds, `YYYY-MM-DD HH:MM:SS` (read in the zone of the sensor)
 * or RFC 3339. Anything else, also milliseconds, makes the message a reject.
 */
export class EventTime {
  private constructor();
  /** An instant, in milliseconds since the Unix epoch, for producers that count in milliseconds. */
  static fromMillis(millis: number): EventTime;
  /** A clock on the wall such as `2019-07-07 12:00:00`, to be read in the zone of the sensor. */
  static fromCivil(text: string): EventTime;
  /** The event time that a JSON value says; throws a `Reject`. */
  static parse(value: unknown): EventTime;
  /** Milliseconds since the Unix epoch; of a civil time as if its clock were UTC's. */
  readonly millis: number;
  readonly isCivil: boolean;
}

/** A point in time as the sensor sees it: resolved by the service for the sensor's zone and the matcher's shift. */
export interface Moment {
  /** Milliseconds since the Unix epoch. */
  readonly instant: number;
  /** The clock on the wall in the sensor's zone: `2019-07-07T08:00:00.000`. */
  readonly civil: string;
  /** The business day it belongs to. With a shift of two hours the day begins at 22:00 of the day before. */
  readonly businessDate: CivilDate;
}

/** What is wrong with a configuration or a wanted message: a lower-case fragment, and the field if there is one. Throw it. */
export class Problem extends Error {
  constructor(message: string, field?: string);
  /** A problem of one field. */
  static of(field: string, message: string): Problem;
  readonly field: string | undefined;
}

/** Everything that is wrong with a configuration. */
export class Problems extends Error {
  constructor(problems: readonly Problem[]);
  readonly problems: readonly Problem[];
}

/** Why a message is malformed: a lower-case fragment that is kept with the message. Throw it. */
export class Reject extends Error {
  constructor(reason: string);
  readonly reason: string;
}

/** Whether a message fulfils a wanted message. */
export class Verdict {
  private constructor();
  /** It does. */
  static fulfilled(): Verdict;
  /** It does not, for this reason: a lower-case fragment for whoever asks what is still missing. */
  static refused(reason: string): Verdict;
  readonly reason: string | undefined;
}

/** A field: its name, its kind, and what a wanted message may put into it. */
export class Field<Name extends string = string, Value = unknown> {
  private constructor();
  readonly name: Name;
  /** Keeps fields of different kinds apart; there is no such property. */
  readonly value?: Value;
  /** Lets a wanted message of a field-wise matcher give a template, in which this name stands for the business date. */
  template(name: string): Field<Name, Value>;
  /** The value where the field is left out. */
  default(value: Value): Field<Name, Value>;
  /** Lets the field of a shape be left out. */
  optional(): Field<Name, Value | undefined>;
}

/** A string. Strings are equal if their characters are, however a message has written them. */
export function text<Name extends string>(name: Name): Field<Name, string>;
/** `true` or `false`. */
export function boolean<Name extends string>(name: Name): Field<Name, boolean>;
/** A number without a fraction; one that a double cannot hold is a bigint. 1, 1.0 and 10e-1 are the same. */
export function integer<Name extends string>(name: Name): Field<Name, number>;
/** Any number. */
export function number<Name extends string>(name: Name): Field<Name, number>;
/** A string, a number or a boolean, for producers that do not agree with each other. */
export function scalar<Name extends string>(name: Name): Field<Name, Scalar>;
/** An event time; only in the shape of a message. */
export function time<Name extends string>(name: Name): Field<Name, EventTime>;
/** Any JSON; only in a shape. */
export function json<Name extends string>(name: Name): Field<Name, unknown>;

/** The fields of an object. */
export type Shape = readonly Field[];

/** The object that a shape describes: `Of<typeof message>`. */
export type Of<S extends Shape> = {
  [F in S[number] as F["name"]]: F extends Field<string, infer Value> ? Value : never;
};

/** The fields of an object. Of a message others do not matter; of a wanted message or a configuration they are refused. */
export function shape<const S extends Shape>(...fields: S): S;

/** What tells a message: every field named here must be in every message. A value, built step by step. */
export class Fields {
  private constructor();
  /** Rules for the messages of a topic. */
  static on(topic: string): Fields;
  /** Adds a field that a wanted message must give, unless it has a default. There must be at least one. */
  key(field: Field): Fields;
  /** Adds a field that a wanted message may leave out: then any value will do. At most three. */
  optional(field: Field): Fields;
  /** Names the field with the event time, in any of the forms of `EventTime`. */
  time(field: string): Fields;
  /** Wants the event to have happened on the business day on which its message arrived. Needs a time. */
  sameBusinessDay(): Fields;
  /** Lets the business day begin so many seconds before midnight (7200: at 22:00 of the day before). */
  dayShiftSeconds(seconds: number): Fields;
  /** Lets templates see the business date minus so many days. */
  partitionLagDays(days: number): Fields;
}

interface Definition<Config extends Shape> {
  /** The matcher's name: lower-case letters, digits and dashes. */
  name: string;
  /** One line: what message this matcher knows. */
  summary: string;
  /** The matcher's own version, for people. */
  version?: string;
  /** The configuration, the table `[matchers.NAME.config]` of the service. */
  config?: Config;
}

/** A matcher that tells messages by some of their fields. */
export interface FieldMatcherDefinition<Config extends Shape = Shape> extends Definition<Config> {
  /** The rules. Also asked for with an empty configuration, to describe the matcher before it is configured. */
  fields(config: Of<Config>): Fields;
}

/** What a matcher wants to see of a message besides its value and arrival; to fetch it costs time. */
export type Need = "keys" | "headers" | "tombstones";

/** What follows from a configuration for the service. */
export interface Settings {
  /** The topics served; empty: those of the matcher's definition. */
  topics: readonly string[];
  /** Seconds by which the business day begins before midnight. */
  dayShiftSeconds: number;
}

/** A header of a message; a message may have several of one name. */
export interface Header {
  readonly name: string;
  readonly value: Uint8Array;
}

/** What comes with a message besides its value. */
export interface Envelope {
  readonly topic: string;
  /** When it arrived, in milliseconds since the Unix epoch. */
  readonly arrival: number;
  /** The message key, if needed and there. */
  readonly key: Uint8Array | undefined;
  /** The headers, if needed. */
  readonly headers: readonly Header[];
}

/** A message whose key equals that of a wanted message. Both moments are those of the sensor's zone. */
export interface Candidate<Wanted, Message> {
  /** The wanted message, as `prepare` left it. */
  readonly wanted: Wanted;
  /** The message; undefined is a tombstone. */
  readonly message: Message | undefined;
  readonly envelope: Envelope;
  /** When it happened what the message tells of. */
  readonly eventTime: Moment | undefined;
  /** When the message arrived. */
  readonly arrival: Moment;
}

/** A matcher over typed messages. All functions must be pure: the same input gives the same result. */
export interface MatcherDefinition<
  WantedShape extends Shape = Shape,
  MessageShape extends Shape = Shape,
  Config extends Shape = Shape,
  Message = Of<MessageShape>,
> extends Definition<Config> {
  /** The topics it serves, unless `settings` names others. */
  topics: readonly string[];
  /** What it wants to see of a message besides value and arrival. */
  needs?: readonly Need[];
  /** The own fields of a wanted message; without it any object. */
  wanted?: WantedShape;
  /** A message's value; without it any JSON. */
  message?: MessageShape;
  /** Checks the configuration; throws a `Problem`. Types and unknown settings have been checked. */
  configure?(config: Of<Config>): void;
  /** What follows from the configuration for the service. */
  settings?(config: Of<Config>): Partial<Settings>;
  /**
   * The keys of a wanted message on a business date: a message must carry one of them. Fill in what depends on the date in
   * place. A wanted message that cannot be fulfilled is a `Problem`.
   */
  prepare(wanted: Of<WantedShape>, on: CivilDate, config: Of<Config>): Key | Iterable<Key>;
  /** The message that a value is: JSON, unless told otherwise. Throws a `Reject`. */
  decode?(value: Uint8Array, config: Of<Config>): Message;
  /** The keys of a message, and when it happened what the message tells of. A malformed one throws a `Reject`. */
  extract(message: Message, envelope: Envelope, config: Of<Config>): Key | Extract;
  /** The keys of a message without a value, which only a matcher that needs `tombstones` gets to see. */
  extractTombstone?(envelope: Envelope, config: Of<Config>): Key | Extract;
  /** The last word on a message and a wanted message whose keys are equal; without it `sameBusinessDay`. */
  confirm?(candidate: Candidate<Of<WantedShape>, Message>, config: Of<Config>): Verdict;
}

/** A matcher that tells messages by some of their fields. */
export function fieldMatcher<const Config extends Shape = readonly []>(
  definition: FieldMatcherDefinition<Config>,
): FieldMatcherDefinition<Config>;

/** A matcher over typed messages. */
export function matcher<
  const WantedShape extends Shape,
  const MessageShape extends Shape,
  const Config extends Shape = readonly [],
  Message = Of<MessageShape>,
>(
  definition: MatcherDefinition<WantedShape, MessageShape, Config, Message>,
): MatcherDefinition<WantedShape, MessageShape, Config, Message>;

/** The rule of most messages: it must have happened on the business day on which the message arrived. */
export function sameBusinessDay(candidate: Pick<Candidate<unknown, unknown>, "eventTime" | "arrival">): Verdict;

/** The date so many days later. */
export function addDays(date: CivilDate, days: number): CivilDate;
/** The date so many months later; a day that the month does not have becomes the month's last. */
export function addMonths(date: CivilDate, months: number): CivilDate;
/** The date by the directives of `strftime`. */
export function formatDate(date: CivilDate, format: string): string;

/**
 * A message as a schema registry's serializer wrote it: a magic byte, the id of the schema, and then the message. A matcher
 * has no network: have the schema in the matcher, or in its configuration by id, and take the frame off in `decode`.
 */
export class Frame {
  private constructor();
  /** Takes the frame off a value; throws a `Reject`. */
  static of(value: Uint8Array): Frame;
  /** The id of the schema by which the message was written. */
  readonly schemaId: number;
  /** The message: of Avro one datum, of JSON Schema plain JSON; for Protobuf see `protobuf`. */
  readonly payload: Uint8Array;
  /**
   * Of a message in Protobuf: which message of the schema file it is, and its bytes. `[0]` is the first message of the file,
   * `[1, 0]` the first one within the second. Throws a `Reject`.
   */
  protobuf(): { indexes: number[]; bytes: Uint8Array };
}

/** Lines for the service's log, under the matcher's name. Their volume is limited; in tests they go nowhere. */
export const log: {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
};
