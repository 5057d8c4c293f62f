// What can be wrong with a configuration, a wanted message or a message. All of it is thrown.

/** What is wrong with a configuration or a wanted message. */
export class Problem extends Error {
  constructor(message, field) {
    super(message);
    this.name = "Problem";
    this.field = field;
  }

  static of(field, message) {
    return new Problem(message, field);
  }

  toString() {
    return this.field === undefined ? this.message : `${this.field}: ${this.message}`;
  }
}

/** Everything that is wrong with a configuration, so that one look is enough to mend it. */
export class Problems extends Error {
  constructor(problems) {
    super(problems.join("; "));
    this.name = "Problems";
    this.problems = problems;
  }

  static check(problems) {
    if (problems.length > 0) throw new Problems(problems);
  }
}

/** Why a message is malformed. */
export class Reject extends Error {
  constructor(reason) {
    super(reason);
    this.name = "Reject";
    this.reason = reason;
  }
}
