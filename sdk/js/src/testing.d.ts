/** Matchers without WebAssembly: what the service would make of a message, in a line of a test. */

import type { CivilDate, FieldMatcherDefinition, MatcherDefinition, Need, Settings } from "./index.js";

/** What a message is to a wanted message. */
export type Outcome =
  /** It fulfils it. */
  | { kind: "fulfilled" }
  /** Its key is equal, but the matcher refused it: a near miss. */
  | { kind: "refused"; reason: string }
  /** It is about something else. */
  | { kind: "other" }
  /** It is malformed. */
  | { kind: "rejected"; reason: string };

/** What a matcher says of itself. */
export interface Description {
  name: string;
  version: string;
  summary: string;
  topics: readonly string[];
  wantedSchema: object;
  messageSchema: object;
  configSchema: object;
  needs: readonly Need[];
}

/** A wanted message on a business date. */
export interface Prepared {
  /** Its own fields as JSON, templates filled in. */
  rendered: string;
  keys: readonly Uint8Array[];
  token: Uint8Array;
}

/** JSON as a text, or what it says. */
export type Json = string | object;

/** Runs a matcher as the service would. */
export class Bench {
  private constructor();
  /** A bench for a matcher with this configuration; throws `Problems`. */
  static of(
    definition: FieldMatcherDefinition<any> | MatcherDefinition<any, any, any, any>,
    config?: Json,
  ): Bench;
  /** Puts the sensors into a zone so many hours east of Greenwich. */
  offsetHours(hours: number): Bench;
  /** Gives all messages this message key. The service passes it on only to a matcher that needs it. */
  messageKey(key: string | Uint8Array): Bench;
  /** Gives all messages this header, beside those given before. */
  header(name: string, value: string | Uint8Array): Bench;
  /** What follows from the configuration. */
  settings(): Settings;
  /** What the matcher says of itself. */
  description(): Description;
  /** A wanted message, without topic, frequency and task_id, as it is on a business date; throws a `Problem`. */
  prepare(wanted: Json, on: CivilDate): Prepared;
  /** Why a message is malformed, if it is. */
  reject(message: Json | Uint8Array): string | undefined;
  /**
   * What a message is to a wanted message if it arrives at a civil time, such as `2019-07-07 08:00:00`. The wanted message
   * is rendered for the business date of the arrival. Undefined is a message without a value.
   */
  judge(wanted: Json, message: Json | Uint8Array | undefined, arrival: string): Outcome;
}
