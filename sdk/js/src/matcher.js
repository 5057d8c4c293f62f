// What a matcher is, and what it says of a message.

/** Whether a message fulfils a wanted message. */
export class Verdict {
  constructor(reason) {
    this.reason = reason;
  }

  static fulfilled() {
    return new Verdict(undefined);
  }

  static refused(reason) {
    return new Verdict(String(reason));
  }
}

/** The rule of most messages: it must have happened on the business day on which the message arrived. */
export function sameBusinessDay({ eventTime, arrival }) {
  if (eventTime === undefined || eventTime.businessDate === arrival.businessDate) return Verdict.fulfilled();
  const dates = `${eventTime.businessDate}, that of its arrival ${arrival.businessDate}`;
  return Verdict.refused(`the event's business date is ${dates}`);
}

/** A matcher over typed messages. */
export const matcher = (definition) => ({ ...definition });

/** A matcher that tells messages by some of their fields. */
export const fieldMatcher = (definition) => ({ ...definition });
