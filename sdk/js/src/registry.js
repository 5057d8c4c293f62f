// What a schema registry puts before a message: a magic byte, the id of the schema, and then the message itself.

import { Reject } from "./problem.js";

// The magic byte and the id.
const HEAD = 5;

// No number of 64 bits takes more bytes.
const LONGEST = 10;

/** A message as a schema registry's serializer wrote it. */
export class Frame {
  constructor(schemaId, payload) {
    this.schemaId = schemaId;
    this.payload = payload;
  }

  static of(value) {
    if (value.length === 0) throw new Reject("empty message; expected the magic byte of a schema registry");
    if (value[0] !== 0 || value.length < HEAD) {
      throw new Reject("does not begin with a schema registry's magic byte and the id of a schema");
    }
    const id = new DataView(value.buffer, value.byteOffset).getUint32(1);
    return new Frame(id, value.subarray(HEAD));
  }

  /** Of a message in Protobuf: which message of the schema file it is, and its bytes. */
  protobuf() {
    const indexes = [];
    let [count, at] = zigzag(this.payload, 0);
    for (; count > 0; count -= 1) {
      const [index, after] = zigzag(this.payload, at);
      indexes.push(index);
      at = after;
    }
    // The serializers shorten the most frequent list.
    return { indexes: indexes.length > 0 ? indexes : [0], bytes: this.payload.subarray(at) };
  }
}

/** A number, and the index after it. */
function zigzag(bytes, start) {
  let value = 0;
  for (let at = start; at < Math.min(bytes.length, start + LONGEST); at += 1) {
    // Multiplied, because shifts end at 32 bits.
    value += (bytes[at] & 0x7f) * 2 ** (7 * (at - start));
    if ((bytes[at] & 0x80) === 0) return [value % 2 === 0 ? value / 2 : -(value + 1) / 2, at + 1];
  }
  throw new Reject("its Protobuf message indexes are cut off");
}
