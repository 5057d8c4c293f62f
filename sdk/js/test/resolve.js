// Lets a module outside of any package import the SDK by its name, as one that depends on it does.

import { register } from "node:module";

register(new URL("./resolve-hook.js", import.meta.url));
