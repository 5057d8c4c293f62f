// Lines for the service's log, under the matcher's name. Outside a component, as in tests, they go nowhere.

let write = () => {};

export const log = {
  debug: (text) => write("debug", text),
  info: (text) => write("info", text),
  warn: (text) => write("warn", text),
  error: (text) => write("error", text),
};

/** Says where lines go; for the part of the SDK that runs in a component. */
export function connect(to) {
  write = to;
}
